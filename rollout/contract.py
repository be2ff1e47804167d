"""
The agreement for one workflow: who owns it, what the agent may do, and who takes over.

A contract is data, written by people, one file for each workflow. What is still open in one is
said by `rollout.holes`: while there is something, its agent does nothing.
"""

from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from rollout.authority import Authority
from rollout.business_time import NO_TIME, Business
from rollout.canonical import canonical
from rollout.comparison import Comparator, Ignored
from rollout.fields import FieldRule

UNANSWERED = "unanswered"  #: the exception for a review that nobody decides
NOT_SENT = "not-sent"  #: the exception for a decided write that was not made
BROKEN = "broken"  #: the exception for a run that cannot go on
#: Exceptions of what surrounds an agent: no case meets them while it only watches.
OF_THE_WORKS = frozenset({UNANSWERED, NOT_SENT, BROKEN})


class Impact(StrEnum):
    """What an action may touch; with any of these, a person decides."""

    REVENUE = "revenue"
    COMPLIANCE = "compliance"
    CONTRACT = "contract"
    COMMITMENT = "commitment"


class Safety(StrEnum):
    """How a write that may have arrived is made safe to repeat."""

    NATIVE_KEY = "native_key"  #: The receiver knows idempotency keys.
    UPSERT = "upsert"  #: The receiver knows our own id for the record.
    SET = "set"  #: A value is set: repeat only over the value seen before.
    SEARCH = "search"  #: Look it up first, once the index must have caught up.
    NONE = "none"  #: Nothing helps: a person looks.


@dataclass(frozen=True)
class Job:
    """What starts the work, what goes in, what comes out, and what it is good for."""

    trigger: str = ""
    takes: str = ""
    gives: str = ""
    goal: str = ""


@dataclass(frozen=True)
class Owners:
    """Five roles, each with one accountable person."""

    business: str = ""  #: the outcome, the budget, the targets
    process: str = ""  #: the exceptions, the handoffs, the deadlines
    technical: str = ""  #: the integrations, the uptime, the releases
    reviewer: str = ""  #: the waiting cases
    governance: str = ""  #: the standards, the stop


@dataclass(frozen=True)
class Leg:
    """Somebody in a line, and how long they have."""

    to: str
    within: Business


@dataclass(frozen=True)
class Handoff:
    """A transfer of context, responsibility and the next action; silence has an answer too."""

    name: str
    when: str = ""  #: what triggers it
    to: str = ""  #: who receives it
    decide: str = ""  #: what they are to decide
    within: Business = NO_TIME  #: by when, in the receiver's working time
    otherwise: str = ""  #: who gets it when nothing happens
    then: tuple[Leg, ...] = ()  #: who is next in line before that
    starts: str = ""  #: the event with which a workflow takes it over, where `to` is one
    calls: str = ""  #: the system that takes it over, where `to` is one (TAXIWAY_SYSTEMS)


@dataclass(frozen=True)
class Rung:
    """Who must say yes up to an amount: one person of each group; without a group, nobody must."""

    by: tuple[str, ...]
    up_to_minor: int | None = None  #: None: any amount
    proof: str = ""  #: how they must prove who they are, where more is needed than elsewhere


@dataclass(frozen=True)
class ActionRule:
    """One thing the agent may want to write."""

    name: str
    safety: Safety
    reversible: bool = False
    undo: str = ""  #: how it is taken back; needed where reversible
    measure: str = ""  #: how one sees whether it was right
    fields: tuple[FieldRule, ...] = ()  #: what it may set
    cap_minor_per_day: int | None = None  #: how much money it may move in a day (UTC)
    alone_per_hour: int | None = None  #: how often it may be done on the agent's own word
    alone_per_day: int | None = None
    records_per_day: int | None = None  #: to how many records, on the agent's own word
    stake: str = ""  #: the argument that holds the amount at stake, in minor units
    ladder: tuple[Rung, ...] = ()  #: who must say yes to how much; above the last: forbidden


@dataclass(frozen=True)
class Boundaries:
    """What the agent may read, recommend, write and trigger. What is not named is denied."""

    read: frozenset[str] = frozenset()
    recommend: frozenset[str] = frozenset()
    write: tuple[ActionRule, ...] = ()
    trigger: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Target:
    """A measure and its bar."""

    measure: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class OutcomeRule:
    """What may turn out later, and what it says of the work."""

    kind: str  #: reassigned, reopened, renewed, churned
    is_good: bool
    within: timedelta  #: after the case was closed; what comes later does not count
    silence_is: bool | None = None  #: what it means that nothing came within the time


@dataclass(frozen=True)
class Benchmark:
    """What the work costs when people do it: minutes each, and an hour's price."""

    minutes: float
    hourly_cost_minor: int  #: integer minor units
    currency: str
    source: str
    measured_on: date


@dataclass(frozen=True)
class Contract:
    """The agreement under which a workflow runs. Immutable; its version is its content."""

    workflow: str
    case_prefix: str  #: the letter of its case numbers: L gives L-1042
    job: Job = Job()
    owners: Owners = Owners()
    boundaries: Boundaries = Boundaries()
    exceptions: tuple[Handoff, ...] = ()
    act_alone_from: float | None = None  #: confidence from which the agent may act alone
    escalate_below: float | None = None  #: confidence below which a person takes over
    conflict_checks: tuple[str, ...] = ()  #: the sources that are compared
    impact_unknown: str = ""  #: when the effect on the customer counts as unclear
    review_within: Business = NO_TIME  #: in the reviewers' working time
    review_then: tuple[Leg, ...] = ()  #: who is asked next when the reviewers stay silent
    compared: tuple[tuple[str, Comparator], ...] = ()  #: by field; without: each one exactly
    ignored: tuple[tuple[str, Ignored], ...] = ()  #: by field: not compared for a while
    harmful: frozenset[tuple[str, str]] = frozenset()  #: (proposed, human) that do harm
    outcomes: tuple[OutcomeRule, ...] = ()  #: what later says whether it was right
    bars: tuple[tuple[str, float], ...] = ()  #: of its gates, where they are higher than usual
    risk_tier: int = 1  #: 1 to 3: how much a wrong decision harms
    proof: str = "declared"  #: how a reviewer's identity must be proven; see `decisions.Proof`
    plan: tuple[Authority, ...] = ()
    targets: tuple[Target, ...] = ()
    benchmark: Benchmark | None = None
    budget_minor_per_day: int | None = None  #: what its agent may cost
    budget_minor_per_case: int | None = None
    answer_within: timedelta | None = None  #: how long its agent may take for an answer
    currency: str = "EUR"
    retention: timedelta | None = None
    review_every: timedelta | None = None
    calibration_needed: int = field(default=100)  #: labelled cases before confidence counts

    @cached_property
    def version(self) -> str:
        """The first twelve hexadecimal digits of the SHA-256 of its content."""
        return sha256(canonical(asdict(self))).hexdigest()[:12]

    def action(self, name: str) -> ActionRule | None:
        """Find the rule for an action; None means that it is denied."""
        return next((rule for rule in self.boundaries.write if rule.name == name), None)

    def exception(self, name: str) -> Handoff | None:
        """Find a declared exception by its name."""
        return next((handoff for handoff in self.exceptions if handoff.name == name), None)
