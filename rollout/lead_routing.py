"""
The rules of lead routing: what a lead is, and which leads are never the agent's to route.

Every rule here is deterministic and reads typed fields only. The free text of a lead is
evidence for a person; no rule reads it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import Field as Stored
from sqlmodel import Session, SQLModel, col, delete, select

from rollout.authority import Unit
from rollout.canonical import Json, digest
from rollout.case import Introduction
from rollout.errors import Invalid
from rollout.ledger import Fact

ENTERPRISE_FROM = 1_000  #: employees
MIDMARKET_FROM = 100  #: employees
SAME_SUBMISSION = timedelta(minutes=10)  #: the same person and form are the same lead

TERRITORY_COLUMNS = ("territory", "country", "segment", "team")
ROSTER_COLUMNS = ("team", "owner_email", "industries", "languages", "countries")

Short = Annotated[str, Field(max_length=200)]
FormType = Literal["demo", "contact", "content", "trial"]


class LeadCreated(BaseModel):
    """The body of `lead.created`, as the form sends it. Unknown fields are refused by name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    submission_id: Annotated[str, Field(min_length=1, max_length=100)]
    contact_id: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
    form_type: FormType
    submitted_at: Annotated[AwareDatetime, Field(strict=False)]
    email: Short | None = None
    first_name: Short | None = None
    last_name: Short | None = None
    company: Short | None = None
    website: Short | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    state: Short | None = None
    postal_code: Short | None = None
    phone: Short | None = None
    job_title: Short | None = None
    employee_count: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    free_text: Annotated[str, Field(max_length=10_000)] | None = None
    consent: bool | None = None


def introduce(body: Mapping[str, Any]) -> Introduction:
    """
    Say which case a submission belongs to.

    One case for each submission; a second submission of the same person and form within ten
    minutes joins the first one's case.
    """
    lead = LeadCreated.model_validate(body["data"])
    names = {"contact": lead.contact_id, "submission": lead.submission_id}
    if lead.email:
        names["email"] = lead.email
    return Introduction(
        dedupe=f"form:{lead.submission_id}",
        same=digest([lead.email.casefold(), lead.form_type]) if lead.email else None,
        same_within=SAME_SUBMISSION,
        names=names,
    )


class Segment(StrEnum):
    """How large a company is, by its employees."""

    SMB = "SMB"  #: 1 to 99
    MIDMARKET = "MM"  #: 100 to 999
    ENTERPRISE = "ENT"  #: from 1 000


class Territory(SQLModel, table=True):
    """Which team serves a country and segment."""

    __tablename__ = "territory"

    country: str = Stored(primary_key=True)
    segment: str = Stored(primary_key=True)
    territory: str
    team: str


class Seat(SQLModel, table=True):
    """One person's place on a team's roster, and what they know best."""

    __tablename__ = "roster"

    team: str = Stored(primary_key=True)
    owner_email: str = Stored(primary_key=True)
    industries: str = ""  #: separated by semicolons, like the next two
    languages: str = ""
    countries: str = ""


class Candidate(BaseModel):
    """A person who may own the lead."""

    model_config = ConfigDict(frozen=True)

    email: str
    owner_id: str
    name: str
    industries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


class Lead(Fact):
    """A lead as it was read: what the form said beside what the CRM says."""

    kind: ClassVar[str] = "lead"

    contact_id: str
    submission: LeadCreated
    retrieved_at: datetime
    email: str | None = None
    company: str | None = None
    country: str | None = None
    current_owner: str | None = None
    employees_form: int | None = None
    employees_crm: int | None = None
    company_id: str | None = None
    company_domain: str | None = None
    company_country: str | None = None
    company_owner: str | None = None
    company_lifecycle: str | None = None
    industry: str | None = None
    annual_revenue: str | None = None
    open_deals: int | None = None
    territory: str | None = None
    team: tuple[Candidate, ...] = ()

    @property
    def employees(self) -> int | None:
        """The larger of both numbers: the branch of higher risk wins."""
        known = [count for count in (self.employees_form, self.employees_crm) if count is not None]
        return max(known, default=None)

    @property
    def segment(self) -> Segment:
        """The size class; unknown sizes count as small."""
        return segment_of(self.employees)

    @property
    def unit(self) -> Unit:
        """What the case sticks to: the contact."""
        return Unit(kind="contact", id=self.contact_id)

    @property
    def is_incomplete(self) -> bool:
        """Nobody to answer, or nobody to answer for."""
        return not self.email or not self.company

    @property
    def is_enterprise(self) -> bool:
        """An account that is served by its own desk."""
        return self.segment is Segment.ENTERPRISE

    @property
    def label(self) -> str:
        """A few words that tell a person which lead it is, and nobody whose."""
        return f"{self.submission.form_type} {self.country or 'no country'} {self.segment}"

    def public(self) -> dict[str, Json]:
        """Keep the traits that decide the way, nothing that names a person."""
        return {
            "contact": self.contact_id,
            "form": self.submission.form_type,
            "country": self.country,
            "segment": self.segment.value,
            "territory": self.territory,
            "candidates": len(self.team),
        }


def segment_of(employees: int | None) -> Segment:
    """Give the size class for a number of employees."""
    if employees is not None and employees >= ENTERPRISE_FROM:
        return Segment.ENTERPRISE
    if employees is not None and employees >= MIDMARKET_FROM:
        return Segment.MIDMARKET
    return Segment.SMB


def territory_for(session: Session, country: str | None, segment: Segment) -> Territory | None:
    """Find who serves a country and segment; None is a gap in the table."""
    return None if country is None else session.get(Territory, (country, segment.value))


def seats_of(session: Session, team: str) -> list[Seat]:
    """Give a team's roster in a stable order."""
    return list(
        session.exec(select(Seat).where(Seat.team == team).order_by(col(Seat.owner_email))).all()
    )


def all_territories(session: Session) -> list[Territory]:
    """Give the territory table, by country and segment."""
    order = (col(Territory.country), col(Territory.segment))
    return list(session.exec(select(Territory).order_by(*order)).all())


def replace_sheets(
    session: Session, territories: list[dict[str, str]], roster: list[dict[str, str]]
) -> tuple[int, int]:
    """
    Put new sheets in the place of the old ones, whole; gives how many rows each has.

    Raises `Invalid` naming the row for a double entry, an unknown segment or an empty team.
    """
    _check_sheets(territories, roster)
    session.execute(delete(Territory))
    session.execute(delete(Seat))
    session.add_all(Territory(**row) for row in territories)
    session.add_all(Seat(**row) for row in roster)
    return len(territories), len(roster)


def _check_sheets(territories: list[dict[str, str]], roster: list[dict[str, str]]) -> None:
    seen: set[tuple[str, str]] = set()
    staffed = {row["team"] for row in roster}
    for number, row in enumerate(territories, start=2):
        key = (row["country"], row["segment"])
        if key in seen:
            raise Invalid(f"territories, row {number}: {key[0]} {key[1]} is named twice")
        if row["segment"] not in set(Segment):
            raise Invalid(f"territories, row {number}: the segment {row['segment']!r} is unknown")
        if row["team"] not in staffed:
            raise Invalid(f"territories, row {number}: nobody is on the team {row['team']!r}")
        seen.add(key)
    seats = [(row["team"], row["owner_email"]) for row in roster]
    for seat in sorted({seat for seat in seats if seats.count(seat) > 1}):
        raise Invalid(f"roster: {seat[1]} sits twice on {seat[0]}")
