"""
What can start a lead's case: the form's submission, or the CRM saying that a contact was made.

The CRM's event carries only the contact's number, so the lead is then read. Both may come for
one person within seconds, and the sweep may find the same contact again: they are one case.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from rollout.canonical import digest
from rollout.case import Introduction
from rollout.lead_routing import LeadCreated

SUBMITTED = "lead.created"
CONTACT_MADE = "contact.creation"  #: HubSpot's own word
SAME_SUBMISSION = timedelta(minutes=10)  #: the same person and form are the same lead
SAME_CONTACT = timedelta(days=1)  #: the CRM may tell late of a contact whose form was routed


class ContactMade(BaseModel):
    """One of HubSpot's events about a new contact; what else is in it does not matter."""

    model_config = ConfigDict(extra="ignore")

    objectId: Annotated[int, Field(ge=1, le=10**20)]  # noqa: N815 # HubSpot's own word
    occurredAt: Annotated[int, Field(ge=0, le=10**14)]  # noqa: N815 # milliseconds since 1970

    @property
    def contact_id(self) -> str:
        """The contact's number in the CRM."""
        return str(self.objectId)

    @property
    def occurred_at(self) -> datetime:
        """When it was made."""
        return datetime.fromtimestamp(self.occurredAt / 1000, UTC)


def contact_made(contact_id: str, at: datetime) -> dict[str, Any]:
    """Give the envelope of a contact that was found without its event."""
    data = {"objectId": int(contact_id), "occurredAt": int(at.timestamp() * 1000)}
    return {"type": CONTACT_MADE, "data": data}


def submission_in(body: Mapping[str, Any]) -> LeadCreated | None:
    """Give the form's submission in an envelope; None where it only names a contact."""
    if body["type"] != SUBMITTED:
        return None
    return LeadCreated.model_validate(body["data"])


def contact_in(body: Mapping[str, Any]) -> str:
    """Give the contact that an envelope is about."""
    said = submission_in(body)
    return said.contact_id if said else ContactMade.model_validate(body["data"]).contact_id


def introduce(body: Mapping[str, Any]) -> Introduction:
    """
    Say which case an event belongs to.

    One case for each submission; a second one of the same person and form, or about the same
    contact, within ten minutes joins the first one's case. An event about a contact joins the
    case that the contact had within the last day.
    """
    said = submission_in(body)
    contact = f"contact:{contact_in(body)}"
    if said is None:
        return Introduction(
            dedupe=f"{contact}:{ContactMade.model_validate(body['data']).occurredAt}",
            same=(contact,),
            same_within=SAME_CONTACT,
            names={"contact": contact_in(body)},
        )
    names = {"contact": said.contact_id, "submission": said.submission_id}
    person: tuple[str, ...] = ()
    if said.email:
        names["email"] = said.email
        person = (digest([said.email.casefold(), said.form_type]),)
    return Introduction(
        dedupe=f"form:{said.submission_id}",
        same=(contact, *person),
        same_within=SAME_SUBMISSION,
        names=names,
    )
