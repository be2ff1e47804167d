"""
The agreement for one workflow: who owns it, what the agent may do, and who takes over.

A contract is data, written by people, one file for each workflow. `holes` names everything
that is still open: while there is one, the workflow stays in draft and its agent does nothing.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise

from rollout.authority import Authority
from rollout.business_time import NO_TIME, Business
from rollout.canonical import canonical
from rollout.errors import ContractIncomplete
from rollout.fields import FieldRule

UNANSWERED = "unanswered"  #: the exception for a review that nobody decides


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
    proof: str = "declared"  #: how a reviewer's identity must be proven; see `decisions.Proof`
    plan: tuple[Authority, ...] = ()
    targets: tuple[Target, ...] = ()
    benchmark: Benchmark | None = None
    budget_minor_per_day: int | None = None  #: what its agent may cost
    budget_minor_per_case: int | None = None
    currency: str = "EUR"
    retention: timedelta | None = None
    review_every: timedelta | None = None
    calibration_needed: int = field(default=100)  #: labelled cases before confidence counts

    @property
    def version(self) -> str:
        """The first twelve hexadecimal digits of the SHA-256 of its content."""
        return sha256(canonical(asdict(self))).hexdigest()[:12]

    def action(self, name: str) -> ActionRule | None:
        """Find the rule for an action; None means that it is denied."""
        return next((rule for rule in self.boundaries.write if rule.name == name), None)

    def exception(self, name: str) -> Handoff | None:
        """Find a declared exception by its name."""
        return next((handoff for handoff in self.exceptions if handoff.name == name), None)


def holes(contract: Contract) -> tuple[str, ...]:
    """Name everything that the contract leaves open, in words for its owners."""
    return (
        *_unnamed(contract),
        *_open_handoffs(contract),
        *_open_rights(contract),
        *_open_boundaries(contract),
        *_unmeasured(contract),
        *_open_plan(contract),
    )


def complete(contract: Contract) -> Contract:
    """Return the contract, or raise `ContractIncomplete` naming each hole."""
    if found := holes(contract):
        raise ContractIncomplete(contract.workflow, found)
    return contract


def _unnamed(contract: Contract) -> Iterator[str]:
    for name, value in asdict(contract.job).items():
        if not value:
            yield f"job: no {name}"
    for role, person in asdict(contract.owners).items():
        if not person:
            yield f"owners: no {role} owner"


def _open_handoffs(contract: Contract) -> Iterator[str]:
    if not contract.exceptions:
        yield "exceptions: none is named, so missing data and conflicts have nowhere to go"
    names = [handoff.name for handoff in contract.exceptions]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        yield f"exceptions: {twice} is named twice"
    if Authority.RECOMMEND in contract.plan and UNANSWERED not in names:
        yield f"exceptions: no '{UNANSWERED}': who takes a review that nobody decides?"
    for handoff in contract.exceptions:
        if any(not leg.to or not leg.within for leg in handoff.then):
            yield f"exception {handoff.name}: somebody in its line has no name or no time"
        for word in ("when", "to", "decide", "otherwise"):
            if not getattr(handoff, word):
                yield f"exception {handoff.name}: no '{word}'"
        if not handoff.within:
            yield f"exception {handoff.name}: no deadline ('within')"
        if handoff.to and handoff.to == handoff.otherwise:
            yield f"exception {handoff.name}: the fallback is the receiver itself"


def _open_rights(contract: Contract) -> Iterator[str]:
    alone, escalate = contract.act_alone_from, contract.escalate_below
    for word, bar in (("act_alone_from", alone), ("escalate_below", escalate)):
        if bar is None or not 0 < bar < 1:
            yield f"decision rights: {word} must lie between 0 and 1"
    if alone is not None and escalate is not None and escalate > alone:
        yield "decision rights: escalate_below is above act_alone_from"
    if not contract.conflict_checks:
        yield "decision rights: no sources to compare (conflict_checks)"
    if not contract.impact_unknown:
        yield "decision rights: it is not said when the customer impact is unclear"
    if not contract.review_within:
        yield "reviews: no deadline (review_within)"


def _open_boundaries(contract: Contract) -> Iterator[str]:
    if not contract.boundaries.read:
        yield "boundaries: nothing may be read"
    if not contract.boundaries.write:
        yield "boundaries: nothing may be written, so no stage above recommend makes sense"
    for rule in contract.boundaries.write:
        if rule.reversible and not rule.undo:
            yield f"action {rule.name}: reversible, but not how (undo)"
        if rule.safety is Safety.SET and not rule.fields:
            yield f"action {rule.name}: sets values, but not said which (fields)"
        if not rule.measure:
            yield f"action {rule.name}: nothing measures whether it was right"


def _unmeasured(contract: Contract) -> Iterator[str]:
    if not contract.targets:
        yield "targets: none"
    for target in contract.targets:
        if (target.at_least is None) == (target.at_most is None):
            yield f"target {target.measure}: needs either at_least or at_most"
    if contract.benchmark is None:
        yield "benchmark: unknown what the work costs when people do it"
    if contract.budget_minor_per_day is None:
        yield "budget: no daily cap"
    if contract.budget_minor_per_case is None:
        yield "budget: no cap for a case"
    if not contract.retention:
        yield "retention: not said how long personal data is kept"
    if not contract.review_every:
        yield "review: not said how often the contract is looked at (review_every)"


def _open_plan(contract: Contract) -> Iterator[str]:
    if not contract.plan:
        yield "plan: no stages"
    elif contract.plan[0] is not Authority.SHADOW:
        yield "plan: the first stage must be shadow"
    for lower, upper in pairwise(contract.plan):
        if upper.height != lower.height + 1:
            yield f"plan: {lower} to {upper} is not one level up"
