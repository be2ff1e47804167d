"""
What a lead is: what the form said, what the CRM knows, and who could take it.

Everything here is deterministic and reads typed fields only. The free text of a lead is
evidence for a person; no rule reads it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rollout.account_match import Company, Match, Signs, domain_of
from rollout.authority import Facets, Unit
from rollout.canonical import Json
from rollout.ledger import Fact
from rollout.territories import AccountKind, Place

ENTERPRISE_FROM = 1_000  #: employees
MIDMARKET_FROM = 100  #: employees

Short = Annotated[str, Field(max_length=200)]
FREE_MAIL = frozenset({"gmail.com", "outlook.com", "yahoo.com", "proton.me", "web.de", "gmx.de"})

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


class Segment(StrEnum):
    """How large a company is, by its employees."""

    SMB = "SMB"  #: 1 to 99
    MIDMARKET = "MM"  #: 100 to 999
    ENTERPRISE = "ENT"  #: from 1 000


class Candidate(BaseModel):
    """A person who may own the lead."""

    model_config = ConfigDict(frozen=True)

    email: str
    owner_id: str
    name: str
    industries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


class Appointed(BaseModel):
    """The owner whom a rule names, before any agent is asked."""

    model_config = ConfigDict(frozen=True)

    rule: str  #: existing owner, open opportunity, customer, named account, partner
    owner_id: str | None  #: None: this person is not active in the CRM any more
    email: str

    @property
    def because(self) -> str:
        """The rule in words."""
        return f"{self.rule}: {self.email}"


class Lead(Fact):
    """A lead as it was read: what the form said beside what the CRM and the sheets say."""

    kind: ClassVar[str] = "lead"

    contact_id: str
    submission: LeadCreated
    retrieved_at: datetime
    gone: bool = False  #: the CRM has no such contact any more
    email: str | None = None
    company: str | None = None
    country: str | None = None
    current_owner: str | None = None
    employees_form: int | None = None
    match: Match = Match()
    twins: tuple[str, ...] = ()  #: other contacts of the same name at the same company
    account_kind: AccountKind | None = None
    appointed: Appointed | None = None
    territory: str | None = None
    rivals: tuple[str, ...] = ()  #: territories that fit equally well
    team_name: str | None = None
    team: tuple[Candidate, ...] = ()  #: who can take a lead today
    skipped: tuple[str, ...] = ()  #: why the others cannot

    @property
    def account(self) -> Company:
        """The company it belongs to; one that says nothing where none was found."""
        return self.match.company or Company(id="")

    @property
    def employees(self) -> int | None:
        """The larger of both numbers: the branch of higher risk wins."""
        numbers = (self.employees_form, self.account.employees)
        return max((count for count in numbers if count is not None), default=None)

    @property
    def segment(self) -> Segment:
        """The size class; unknown sizes count as small."""
        return segment_of(self.employees)

    @property
    def facets(self) -> Facets:
        """What authority may ask about it: its size, its team, and the form it came by."""
        return Facets(
            segment=self.segment.value, team=self.team_name, branch=self.submission.form_type
        )

    @property
    def place(self) -> Place:
        """Where the territory sheet is asked."""
        return Place(
            country=self.country or "",
            segment=self.segment.value,
            state=self.submission.state or "",
            postal_code=self.submission.postal_code or "",
        )

    @property
    def unit(self) -> Unit:
        """What the case sticks to: the contact."""
        return Unit(kind="contact", id=self.contact_id)

    @property
    def is_incomplete(self) -> bool:
        """Nobody to answer, or nobody to answer for."""
        return not self.email or not self.company

    @property
    def is_free_mail(self) -> bool:
        """A private address, and no account to tell by."""
        return domain_of(self.email) in FREE_MAIL and self.match.company is None

    @property
    def differs_in_country(self) -> bool:
        """The form names one country and the CRM another."""
        said, known = self.submission.country, self.account.country
        return bool(said and known and said != known)

    @property
    def countries(self) -> str:
        """Both countries, in words."""
        return f"form {self.submission.country}, CRM {self.account.country}"

    @property
    def overlap(self) -> str:
        """The territories that fit equally well, in words."""
        return " and ".join(filter(None, (self.territory, *self.rivals)))

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
            "rule": self.appointed.rule if self.appointed else None,
            "matched_by": list(self.match.by),
        }


def signs_of(said: LeadCreated) -> Signs:
    """Give what of a submission can point to a company."""
    domain = domain_of(said.email)
    return Signs(
        email_domain=None if domain in FREE_MAIL else domain,
        website=domain_of(said.website),
        name=said.company,
        country=said.country,
        phone=said.phone,
    )


def domains_of(said: LeadCreated, company: Company | None) -> list[str]:
    """Give the domains under which an account may be named, the surest first."""
    known = (domain_of(said.email), domain_of(said.website), company.domain if company else None)
    return list(dict.fromkeys(one for one in known if one and one not in FREE_MAIL))


def segment_of(employees: int | None) -> Segment:
    """Give the size class for a number of employees."""
    if employees is not None and employees >= ENTERPRISE_FROM:
        return Segment.ENTERPRISE
    if employees is not None and employees >= MIDMARKET_FROM:
        return Segment.MIDMARKET
    return Segment.SMB
