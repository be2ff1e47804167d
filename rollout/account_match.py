"""
Which company in the CRM a lead belongs to: by domain, website, name and country, phone.

Each sign gives points. Where two companies have equal points, the one with more contacts, then
more open deals, then the older one comes first (LeadAngel's default order); but within `MARGIN`
points nobody can be sure, and a person chooses between them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

POINTS = {"email domain": 60, "website": 50, "name and country": 40, "name": 25, "phone": 30}
MARGIN = 10  #: points within which two companies are alike


class Company(BaseModel):
    """A company in the CRM, as it is compared."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str | None = None
    domain: str | None = None
    country: str | None = None
    phone: str | None = None
    employees: int | None = None
    annual_revenue: str | None = None
    industry: str | None = None
    owner_id: str | None = None
    lifecycle: str | None = None
    open_deals: int | None = None
    contacts: int = 0
    parent_id: str | None = None
    created_at: datetime | None = None


class Signs(BaseModel):
    """What of a lead can point to a company."""

    model_config = ConfigDict(frozen=True)

    email_domain: str | None = None  #: None for free mail
    website: str | None = None  #: its domain
    name: str | None = None
    country: str | None = None
    phone: str | None = None


class Match(BaseModel):
    """The company, why, and who else it might be."""

    model_config = ConfigDict(frozen=True)

    company: Company | None = None
    by: tuple[str, ...] = ()
    points: int = 0
    rivals: tuple[Company, ...] = ()

    @property
    def told(self) -> str:
        """The candidates in words, the likeliest first."""
        all_told = [*([self.company] if self.company else []), *self.rivals]
        named = [f"{one.name or 'no name'} (company {one.id})" for one in all_told]
        return f"by {', '.join(self.by)}: {' or '.join(named)}"

    @property
    def family(self) -> tuple[Company, ...]:
        """The rivals that are this company's parent, child or sibling, under another owner."""
        if self.company is None:
            return ()
        one = self.company
        return tuple(
            rival
            for rival in self.rivals
            if _related(one, rival) and rival.owner_id != one.owner_id
        )

    @property
    def strangers(self) -> tuple[Company, ...]:
        """The rivals that have nothing to do with this company."""
        if self.company is None:
            return ()
        return tuple(rival for rival in self.rivals if not _related(self.company, rival))


def match_account(signs: Signs, companies: Iterable[Company]) -> Match:
    """Match a lead with one of the companies that a search gave; none where no sign fits."""
    scored = [(*_score(signs, company), company) for company in companies]
    ranked = sorted((one for one in scored if one[0]), key=lambda one: (-one[0], *_tie(one[2])))
    if not ranked:
        return Match()
    points, by, best = ranked[0]
    rivals = tuple(company for other, _, company in ranked[1:] if points - other <= MARGIN)
    return Match(company=best, by=by, points=points, rivals=rivals)


def plain_name(name: str | None) -> str:
    """Give a company's name as it is compared: lower case, without its legal form."""
    words = "".join(one if one.isalnum() else " " for one in (name or "").casefold()).split()
    return " ".join(word for word in words if word not in LEGAL_FORMS)


LEGAL_FORMS = frozenset(
    {"gmbh", "ag", "se", "kg", "inc", "llc", "ltd", "limited", "plc", "corp", "sa", "sas", "sarl"}
    | {"bv", "nv", "ab", "oy", "as", "aps", "srl", "spa", "co", "company"}
)


def domain_of(address: str | None) -> str | None:
    """Give the domain of an e-mail address or a website; None where there is none."""
    bare = (address or "").casefold().partition("://")[2] or (address or "").casefold()
    host = bare.rpartition("@")[2].partition("/")[0].partition(":")[0].removeprefix("www.")
    return host if "." in host else None


def _score(signs: Signs, company: Company) -> tuple[int, tuple[str, ...]]:
    domain = (company.domain or "").casefold()
    same_name = bool(plain_name(signs.name)) and plain_name(signs.name) == plain_name(company.name)
    same_country = bool(signs.country) and signs.country == company.country
    by = [
        word
        for word, true in (
            ("email domain", bool(domain) and domain == signs.email_domain),
            ("website", bool(domain) and domain == signs.website),
            ("name and country", same_name and same_country),
            ("name", same_name and not same_country),
            ("phone", _same_phone(signs.phone, company.phone)),
        )
        if true
    ]
    return min(100, sum(POINTS[word] for word in by)), tuple(by)


def _same_phone(one: str | None, other: str | None) -> bool:
    digits: Sequence[str] = ["".join(c for c in text or "" if c.isdigit()) for text in (one, other)]
    return len(digits[0]) >= 7 and digits[0][-9:] == digits[1][-9:]


def _tie(company: Company) -> tuple[int, int, float, str]:
    created = company.created_at.timestamp() if company.created_at else float("inf")
    return -company.contacts, -(company.open_deals or 0), created, company.id


def _related(one: Company, other: Company) -> bool:
    parents = {one.parent_id, other.parent_id} - {None}
    return bool(parents & {one.id, other.id}) or (
        one.parent_id is not None and one.parent_id == other.parent_id
    )
