"""
How far the agent may go: the levels, for whom they hold, and where one case belongs.

A grant is what the workflow holds now. A placement is what one case holds for life: promotion
is for new cases only, while a demotion takes effect for every write at once (see `lower_of`).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rollout.buckets import BUCKETS, bucket
from rollout.canonical import Json
from rollout.errors import Invalid
from rollout.ledger import Fact

HALF = BUCKETS // 2


class Authority(StrEnum):
    """What the agent may do; each level includes the one before."""

    OFF = "off"  #: Nothing: people work as if there were no agent.
    SHADOW = "shadow"  #: Propose, and be compared with what people decide.
    RECOMMEND = "recommend"  #: Propose to a person, who decides.
    LIMITED = "limited"  #: Act alone for a share of the cases; recommend for the others.
    FULL = "full"  #: Act alone wherever the contract says so.

    @property
    def height(self) -> int:
        """The place in the climb: 0 for OFF to 4 for FULL."""
        return list(Authority).index(self)


class Arm(StrEnum):
    """The part of the comparison that a case belongs to."""

    EVERYONE = "everyone"  #: The level does not divide the cases.
    TREATED = "treated"  #: The agent's share.
    CONTROL = "control"  #: People's share, of the same size, for comparison.
    HOLDOUT = "holdout"  #: Always people's, so that a comparison is possible for ever.
    REST = "rest"  #: Outside the share or the segment: the level below.
    NO_UNIT = "no_unit"  #: Nothing to be sticky by, so never exposed.


class Exposure(BaseModel):
    """For which cases a LIMITED grant holds: segments, and a share of what is left."""

    model_config = ConfigDict(frozen=True)

    basis_points: int = Field(default=BUCKETS, ge=0, le=BUCKETS)
    segments: frozenset[str] = frozenset()  #: empty: every segment
    holdout: int = Field(default=200, ge=0, le=500)  #: basis points that stay with people

    def __str__(self) -> str:
        share = f"{self.basis_points / 100:g} %"
        return f"{share} of {', '.join(sorted(self.segments))}" if self.segments else share


class Grant(BaseModel):
    """What a workflow's agent may do now. The revision is the number of its last transition."""

    model_config = ConfigDict(frozen=True)

    workflow: str
    authority: Authority = Authority.OFF
    exposure: Exposure = Exposure()
    revision: int = 0
    halted: str = ""  #: who stopped it and why, while it is stopped; the authority is OFF then

    def __str__(self) -> str:
        if self.halted:
            return f"halted ({self.halted})"
        if self.authority is Authority.LIMITED:
            return f"limited to {self.exposure}"
        return self.authority.value


class Unit(BaseModel):
    """What a case sticks to, so that the same customer always meets the same arm."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str


class Placement(Fact):
    """Where one case belongs, for life."""

    kind: ClassVar[str] = "placement"

    authority: Authority
    arm: Arm
    because: str
    bucket: int | None = None
    segment: str | None = None
    revision: int = 0

    def public(self) -> dict[str, Json]:
        """Keep all of it: nothing here is about a person."""
        return self.model_dump(mode="json")

    @model_validator(mode="after")
    def _people_keep_theirs(self) -> Self:
        if self.arm in {Arm.CONTROL, Arm.HOLDOUT} and self.authority is not Authority.SHADOW:
            raise Invalid(f"the {self.arm} arm is decided by people: authority must be shadow")
        return self


def place(grant: Grant, unit: Unit | None, segment: str | None) -> Placement:
    """
    Place a new case under a grant.

    Treated is `[0, x)`. Its control is `[5000, 5000+x)`, up to x = 5000 basis points. The
    holdout `[10000-h, 10000)` is taken out of both first.
    """

    def at(authority: Authority, arm: Arm, because: str, number: int | None = None) -> Placement:
        return Placement(
            authority=authority,
            arm=arm,
            because=because,
            bucket=number,
            segment=segment,
            revision=grant.revision,
        )

    level, exposure = grant.authority, grant.exposure
    if level.height <= Authority.RECOMMEND.height:
        says = f"the workflow is {grant}" if grant.halted else f"the workflow is at {level}"
        return at(level, Arm.EVERYONE, says)
    if unit is None:
        return at(Authority.RECOMMEND, Arm.NO_UNIT, "nothing to be sticky by, so not exposed")
    number = bucket(grant.workflow, unit.kind, unit.id)
    if number >= BUCKETS - exposure.holdout:
        return at(Authority.SHADOW, Arm.HOLDOUT, "the permanent holdout is people's", number)
    if level is Authority.FULL:
        return at(level, Arm.EVERYONE, "the workflow is at full", number)
    if exposure.segments and segment not in exposure.segments:
        because = f"segment {segment or 'unknown'} is not in {', '.join(sorted(exposure.segments))}"
        return at(Authority.RECOMMEND, Arm.REST, because, number)
    if number < exposure.basis_points:
        return at(level, Arm.TREATED, f"bucket {number} is within {exposure}", number)
    if exposure.basis_points <= HALF <= number < HALF + exposure.basis_points:
        return at(Authority.SHADOW, Arm.CONTROL, f"bucket {number} is the control", number)
    return at(Authority.RECOMMEND, Arm.REST, f"bucket {number} is beyond {exposure}", number)


def lower_of(placed: Authority, granted: Authority) -> Authority:
    """Give the level that counts now: the most restrictive wins."""
    return min(placed, granted, key=lambda level: level.height)


def authority_named(word: str) -> Authority:
    """Give a level by its name, or raise `Invalid` naming them all."""
    try:
        return Authority(word.casefold())
    except ValueError:
        known = ", ".join(level.value for level in Authority)
        raise Invalid(f"{word} is not a level; known: {known}") from None


def exposure_of(percent: float | None, segments: Sequence[str]) -> Exposure:
    """Give an exposure from a percentage (0 to 100, two decimals) and segments."""
    share = 100.0 if percent is None else percent
    points = round(share * 100) if 0 <= share <= 100 else -1
    if abs(points - share * 100) > 1e-6 or points < 0:
        raise Invalid(f"{share:g} is not a percentage from 0 to 100 with at most two decimals")
    return Exposure(basis_points=points, segments=frozenset(segments))
