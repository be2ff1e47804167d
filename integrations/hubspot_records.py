"""What the CRM's API tells of contacts, companies and owners, as plain values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

LANE = "taxiway_lane"  #: a property that an installation adds to contacts
#: What the sources of a change begin with where a person makes it, and no workflow or integration.
PEOPLES = ("CRM_UI", "MOBILE")
CONTACT_PROPERTIES = (
    *("email", "firstname", "lastname", "company", "website", "country", "state", "zip"),
    *("phone", "jobtitle", "numemployees", "hubspot_owner_id", LANE),
    *("taxiway_form_type", "taxiway_message"),
)
COMPANY_PROPERTIES = (
    *("name", "domain", "country", "numberofemployees", "annualrevenue", "industry"),
    *("hubspot_owner_id", "lifecyclestage", "hs_num_open_deals", "phone"),
    *("num_associated_contacts", "hs_parent_company_id"),
)


@dataclass(frozen=True)
class Contact:
    """A person in the CRM."""

    id: str
    email: str | None
    company: str | None
    country: str | None
    employees: int | None
    owner_id: str | None
    lane: str | None
    first_name: str | None
    last_name: str | None
    website: str | None
    state: str | None
    postal_code: str | None
    phone: str | None
    job_title: str | None
    form_type: str | None
    message: str | None
    company_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Company:
    """An account in the CRM."""

    id: str
    name: str | None
    domain: str | None
    country: str | None
    employees: int | None
    annual_revenue: str | None
    industry: str | None
    owner_id: str | None
    open_deals: int | None  #: None: the CRM does not say
    lifecycle_stage: str | None
    phone: str | None
    contacts: int
    parent_id: str | None
    created_at: datetime


@dataclass(frozen=True)
class Owner:
    """A user who can own records."""

    id: str
    email: str
    first_name: str
    last_name: str
    archived: bool
    user_id: int | None = None


@dataclass(frozen=True)
class Assigned:
    """That a contact got an owner."""

    owner_id: str
    at: datetime
    by_person: bool  #: in the CRM's own pages; not by its rules, an import or another system
    user_id: int | None  #: who, where a person did


def read_contact(found: dict[str, Any]) -> Contact:
    """Give a contact as the API tells it."""
    said = found["properties"]
    companies = found.get("associations", {}).get("companies", {}).get("results", [])
    return Contact(
        id=found["id"],
        email=said.get("email") or None,
        company=said.get("company") or None,
        country=said.get("country") or None,
        employees=_number(said.get("numemployees")),
        owner_id=said.get("hubspot_owner_id") or None,
        lane=said.get(LANE) or None,
        first_name=said.get("firstname") or None,
        last_name=said.get("lastname") or None,
        website=said.get("website") or None,
        state=said.get("state") or None,
        postal_code=said.get("zip") or None,
        phone=said.get("phone") or None,
        job_title=said.get("jobtitle") or None,
        form_type=said.get("taxiway_form_type") or None,
        message=said.get("taxiway_message") or None,
        company_id=companies[0]["id"] if companies else None,
        created_at=datetime.fromisoformat(found["createdAt"]),
        updated_at=datetime.fromisoformat(found["updatedAt"]),
    )


def read_company(found: dict[str, Any]) -> Company:
    """Give a company as the API tells it."""
    said = found["properties"]
    return Company(
        id=found["id"],
        name=said.get("name"),
        domain=said.get("domain"),
        country=said.get("country"),
        employees=_number(said.get("numberofemployees")),
        annual_revenue=said.get("annualrevenue"),
        industry=said.get("industry"),
        owner_id=said.get("hubspot_owner_id") or None,
        open_deals=_number(said.get("hs_num_open_deals")),
        lifecycle_stage=said.get("lifecyclestage"),
        phone=said.get("phone"),
        contacts=_number(said.get("num_associated_contacts")) or 0,
        parent_id=said.get("hs_parent_company_id") or None,
        created_at=datetime.fromisoformat(found["createdAt"]),
    )


def read_owner(said: dict[str, Any]) -> Owner:
    """Give an owner as the API tells it."""
    return Owner(
        id=said["id"],
        email=said.get("email") or "",
        first_name=said.get("firstName") or "",
        last_name=said.get("lastName") or "",
        archived=bool(said.get("archived")),
        user_id=said.get("userId"),
    )


def read_assigned(said: dict[str, Any]) -> Assigned:
    """Give one entry of the history of a contact's owner."""
    source = str(said.get("sourceType") or "")
    return Assigned(
        owner_id=said.get("value") or "",
        at=datetime.fromisoformat(said["timestamp"]),
        by_person=source.startswith(PEOPLES),
        user_id=said.get("updatedByUserId"),
    )


def _number(said: str | None) -> int | None:
    return int(float(said)) if said and said.replace(".", "", 1).isdigit() else None
