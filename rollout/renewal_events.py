"""
What can start a renewal's case: the nightly look over all customers, or word that one changed.

One renewal has one risk case. An event about a customer that is not at risk opens a case that
ends at once, and the next event may find something else.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlmodel import Session, col, select

from rollout.case import CaseRow, Ending, Introduction
from rollout.ledger import Alias, call_it

CHANGED = "health.changed"
SAME_CHANGE = timedelta(minutes=10)
FOR_NOTHING = frozenset({Ending.KEPT, Ending.STOOD_ASIDE, Ending.GONE})


class HealthChanged(BaseModel):
    """Word that something changed about a customer; what it is stands in the CRM."""

    model_config = ConfigDict(extra="forbid")

    account_id: Annotated[str, Field(pattern=r"^\d{1,20}$")]
    changed_at: AwareDatetime
    source: Annotated[str, Field(max_length=50)] = ""


def found_by_night(account_id: str, night: date) -> dict[str, Any]:
    """Give the envelope of a customer that the nightly look found."""
    at = datetime(night.year, night.month, night.day, tzinfo=UTC)
    data = {"account_id": account_id, "changed_at": at.isoformat(), "source": "sweep"}
    return {"type": CHANGED, "data": data}


def account_in(body: Mapping[str, Any]) -> str:
    """Give the customer that an envelope is about."""
    return HealthChanged.model_validate(body["data"]).account_id


def introduce(body: Mapping[str, Any]) -> Introduction:
    """Say which case an event belongs to: changes of one customer within minutes are one."""
    said = HealthChanged.model_validate(body["data"])
    account = f"account:{said.account_id}"
    return Introduction(
        dedupe=f"{account}:{said.changed_at.isoformat()}",
        same=(account,),
        same_within=SAME_CHANGE,
        names={"account": said.account_id},
    )


def case_of_renewal(session: Session, key: str, *, only_watched: bool) -> str | None:
    """
    Give the case that a renewal has; one that found nothing to do does not count.

    One that only watched counts for whoever only watches too (`only_watched`).
    """
    nothing = FOR_NOTHING if only_watched else FOR_NOTHING | {Ending.WATCHED}
    return session.exec(
        select(CaseRow.id)
        .join(Alias, col(Alias.case_id) == col(CaseRow.id))
        .where(
            Alias.kind == "renewal",
            Alias.value == key,
            col(CaseRow.ending).is_(None) | col(CaseRow.ending).not_in(nothing),
        )
        .order_by(col(CaseRow.opened_at), col(CaseRow.id))
        .limit(1)
    ).one_or_none()


def take_renewal(session: Session, case_id: str, key: str, *, only_watched: bool) -> str:
    """Let a case have a renewal unless another one has it; gives whose it is."""
    session.execute(text("select pg_advisory_xact_lock(hashtext(:key))"), {"key": key})
    whose = case_of_renewal(session, key, only_watched=only_watched)
    if whose is None:
        call_it(session, case_id, [("renewal", key)])
        return case_id
    return whose
