"""
A customer before the renewal: what is known, how healthy it looks, and when it is at risk.

The weights, the bands and the trigger are examples to start from; a figure that nobody has given
is left out of the score and never counted as good or as bad.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from rollout.authority import Facets, Unit
from rollout.canonical import Json
from rollout.ledger import Fact

NEAR_DAYS = 30  #: the last days, as a branch of their own for authority
AHEAD_DAYS = 120  #: how long before its renewal a customer is looked at
USAGE_LOW = 0.70  #: of the rate of the 56 days before
COMPLAINTS_MANY = 3  #: in 30 days
LARGE_MINOR = 100_000_00  #: a year's revenue above which the account lead must agree too
RECENT_DAYS = 60  #: since the last renewal: too early to judge the next one
QUIET_WEEKS = 4  #: without use: never green
STEEP = 0.40  #: of the rate before: never green either


class Band(StrEnum):
    """How healthy a customer looks."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    UNKNOWN = "unknown"  #: Nothing is known that it could be told by.


class Health(BaseModel):
    """The score, 0 to 100, from what is known, and what it was made of."""

    model_config = ConfigDict(frozen=True)

    score: int | None
    band: Band
    parts: Mapping[str, float]  #: each part that is known, 0 to 1
    capped: str = ""  #: why it cannot be green


class Renewal(Fact):
    """A customer as it was read, for one case."""

    kind: ClassVar[str] = "account"

    company_id: str
    name: str
    retrieved_at: datetime
    gone: bool = False
    csm: str | None = None
    account_lead: str | None = None
    renewal_date: date | None = None
    notice_date: date | None = None
    renewed_on: date | None = None
    champion: str | None = None  #: active, changed, left
    crm_health: str | None = None  #: what people wrote into the CRM
    risk: str | None = None  #: what stands on the customer now
    legal_words: bool = False  #: somebody wrote of termination or of lawyers
    figures: Mapping[str, float] = {}

    def public(self) -> dict[str, Json]:
        """Keep what the rules saw; names stay apart."""
        return {
            "company": self.company_id,
            "renewal": self.renewal_date.isoformat() if self.renewal_date else None,
            "score": self.health.score,
            "band": self.health.band.value,
            "figures": dict(sorted(self.figures.items())),
        }

    @property
    def unit(self) -> Unit:
        """What a stage is sticky by."""
        return Unit(kind="company", id=self.company_id)

    @property
    def segment(self) -> str:
        """Large or standard, by the year's revenue."""
        return "large" if self.is_large else "standard"

    @property
    def facets(self) -> Facets:
        """What authority may ask about it: its size, and how near the renewal is."""
        near = self.days_left is not None and self.days_left <= NEAR_DAYS
        return Facets(segment=self.segment, branch="near" if near else "far")

    @property
    def label(self) -> str:
        """How people call the case."""
        return f"{self.name}, renews {self.renewal_date or 'at an unknown date'}"

    @property
    def key(self) -> str:
        """One renewal of one customer: it has one risk case."""
        return f"renewal:{self.company_id}:{self.renewal_date}"

    @property
    def today(self) -> date:
        """The day on which it was read."""
        return self.retrieved_at.date()

    @property
    def days_left(self) -> int | None:
        """The days until the renewal; negative once it has passed."""
        return None if self.renewal_date is None else (self.renewal_date - self.today).days

    @property
    def renews_soon(self) -> bool:
        """Whether it is within the days in which renewals are looked at."""
        return self.days_left is not None and 0 <= self.days_left <= AHEAD_DAYS

    @property
    def renewed_lately(self) -> bool:
        """Whether the last renewal is too near to say anything about the next one."""
        return self.renewed_on is not None and (self.today - self.renewed_on).days < RECENT_DAYS

    @property
    def notice_has_passed(self) -> bool:
        """Whether the day by which the customer had to give notice lies behind."""
        return self.notice_date is not None and self.notice_date < self.today

    @property
    def is_large(self) -> bool:
        """Whether it is one of the large ones."""
        return self.figures.get("renewal_arr_minor", 0) > LARGE_MINOR

    @property
    def usage(self) -> float | None:
        """The use of the last 28 days over the rate of the 56 days before; None: not known."""
        now, before = (
            self.figures.get("active_users_28d"),
            self.figures.get("active_users_prior_56d"),
        )
        if now is None or not before:
            return None
        return now * 2 / before

    @property
    def usage_is_low(self) -> bool:
        """Whether people use it clearly less than before."""
        return self.usage is not None and self.usage <= USAGE_LOW

    @property
    def complaints(self) -> str:
        """Why the last month's complaints matter; empty where they do not."""
        severe = self.figures.get("sev1_30d", 0)
        many = self.figures.get("complaints_30d", 0)
        if severe >= 1:
            return f"{severe:g} outage(s) of the highest severity in 30 days"
        return f"{many:g} complaints in 30 days" if many >= COMPLAINTS_MANY else ""

    @property
    def is_at_risk(self) -> bool:
        """Whether both hold: low use, and complaints that matter."""
        return self.usage_is_low and bool(self.complaints)

    @property
    def disagrees(self) -> str:
        """What the CRM's people and the product's figures say differently; empty: nothing."""
        if self.crm_health == Band.GREEN and self.health.band is Band.RED:
            return f"the CRM says green, the figures say red ({self.health.score})"
        return ""

    @cached_property
    def health(self) -> Health:
        """Judge what is known."""
        return health_of(self)


WEIGHTS = {"usage": 40, "billing": 25, "relationship": 20, "contract": 15}


def health_of(account: Renewal) -> Health:
    """Give the weighted mean of the parts that are known; see `WEIGHTS`."""
    known = {name: value for name, value in _parts(account).items() if value is not None}
    if not known:
        return Health(score=None, band=Band.UNKNOWN, parts={})
    weight = sum(WEIGHTS[name] for name in known)
    score = round(100 * sum(WEIGHTS[name] * value for name, value in known.items()) / weight)
    capped = _cap(account)
    band = Band.RED if score < 45 else Band.YELLOW if score < 70 or capped else Band.GREEN
    return Health(score=score, band=band, parts=known, capped=capped)


def _parts(account: Renewal) -> dict[str, float | None]:
    said = account.figures
    bought, active = said.get("seats_bought"), said.get("seats_active")
    seats = min(1.0, active / bought) if bought and active is not None else None
    overdue, touched = said.get("invoices_overdue_days"), said.get("days_since_last_touch")
    champion = {"active": 1.0, "changed": 0.5, "left": 0.0}.get(account.champion or "")
    return {
        "usage": _mean(None if account.usage is None else min(1.0, account.usage), seats),
        "billing": None if overdue is None else max(0.0, 1 - overdue / 60),
        "relationship": _mean(champion, None if touched is None else max(0.0, 1 - touched / 90)),
        "contract": None if account.days_left is None else min(1.0, max(0, account.days_left) / 90),
    }


def _mean(*values: float | None) -> float | None:
    known = [one for one in values if one is not None]
    return sum(known) / len(known) if known else None


def _cap(account: Renewal) -> str:
    quiet = account.figures.get("weeks_quiet", 0)
    if quiet >= QUIET_WEEKS:
        return f"nobody has used it for {quiet:g} weeks"
    if account.usage is not None and account.usage < STEEP:
        return f"use fell to {account.usage:.0%}"
    return ""
