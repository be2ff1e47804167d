"""
How far the agent may go: the levels, for whom they hold, and where one case belongs.

A grant is what the workflow holds now. A placement is what one case holds for life: promotion
is for new cases only, while a demotion takes effect for every write at once (see `lower_of`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rollout.buckets import BUCKETS, bucket
from rollout.canonical import Json
from rollout.errors import Invalid
from rollout.ledger import Fact

HALF = BUCKETS // 2
BLIND = 1_000  #: basis points of what people decide on proposals, before they see them
FACETS = ("segment", "team", "branch")


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


class Facets(BaseModel):
    """What a case is, as far as authority asks: None where it is not known."""

    model_config = ConfigDict(frozen=True)

    segment: str | None = None
    team: str | None = None  #: who would do the work without the agent
    branch: str | None = None  #: the way through the workflow, as the workflow names it

    def scopes(self) -> tuple[str, ...]:
        """Give the names under which a cap can concern it, like `segment:SMB`."""
        known = ((kind, getattr(self, kind)) for kind in FACETS)
        return tuple(f"{kind}:{name}" for kind, name in known if name)


class Exposure(BaseModel):
    """
    For which cases a LIMITED grant holds: named segments, teams and branches, and a share of what
    is left. What is not named does not restrict.
    """

    model_config = ConfigDict(frozen=True)

    basis_points: int = Field(default=BUCKETS, ge=0, le=BUCKETS)
    segments: frozenset[str] = frozenset()  #: empty: every segment
    teams: frozenset[str] = frozenset()
    branches: frozenset[str] = frozenset()
    holdout: int = Field(default=200, ge=0, le=500)  #: basis points that stay with people
    blind: int = Field(default=BLIND, ge=0, le=BUCKETS)  #: of what people decide: unseen
    planted: int = Field(default=0, ge=0, le=BUCKETS)  #: of what they are shown: wrong on purpose

    def __str__(self) -> str:
        share = f"{self.basis_points / 100:g} %"
        parts = [", ".join(sorted(names)) for _, names in self.named()]
        return f"{share} of {' in '.join(parts)}" if parts else share

    def measured_as(self, other: "Exposure") -> "Exposure":
        """Give it with another one's way of measuring people."""
        return self.model_copy(update={"blind": other.blind, "planted": other.planted})

    def named(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Give each facet that is restricted, with the names that are in."""
        for kind, names in zip(FACETS, (self.segments, self.teams, self.branches), strict=True):
            if names:
                yield kind, names

    def why_outside(self, facets: Facets) -> tuple[str, bool]:
        """Say why a case is not in it, and whether that is for want of knowledge; empty: it is."""
        for kind, names in self.named():
            own = getattr(facets, kind)
            if own not in names:
                why = f"{kind} {own or 'unknown'} is not in {', '.join(sorted(names))}"
                return why, own is None
        return "", False


class Grant(BaseModel):
    """What a workflow's agent may do now. The revision is the number of its last transition."""

    model_config = ConfigDict(frozen=True)

    workflow: str
    authority: Authority = Authority.OFF
    exposure: Exposure = Exposure()
    revision: int = 0
    halted: str = ""  #: who stopped it and why, while it is stopped; the authority is OFF then
    caps: Mapping[str, Authority] = {}  #: by scope, like segment:SMB: no higher there

    def cap_of(self, scopes: Iterable[str]) -> tuple[str, Authority] | None:
        """Give the most restrictive cap of some scopes, and whose it is."""
        found = [(scope, self.caps[scope]) for scope in scopes if scope in self.caps]
        return min(found, key=lambda one: one[1].height, default=None)

    def level_of(self, placement: "Placement | None", action: str = "") -> Authority:
        """Give what counts now for a case and an action: the most restrictive of all."""
        scopes = (*(placement.facets.scopes() if placement else ()), f"action:{action}")
        cap = self.cap_of(scopes)
        return lower_of(self.authority, cap[1]) if cap else self.authority

    def __str__(self) -> str:
        if self.halted:
            return f"halted ({self.halted})"
        level = self.authority.value
        if self.authority is Authority.LIMITED:
            level = f"limited to {self.exposure}"
        if self.exposure.blind != BLIND:
            level = f"{level}, {self.exposure.blind / 100:g} % blind"
        if self.exposure.planted:
            level = f"{level}, {self.exposure.planted / 100:g} % planted errors"
        held = (f"{scope} at most {cap}" for scope, cap in sorted(self.caps.items()))
        return "; ".join((level, *held))


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
    team: str | None = None
    branch: str | None = None
    revision: int = 0
    blind: bool = False  #: a person decides it before the proposal is shown
    planted: bool = False  #: a person is shown an error first

    @property
    def facets(self) -> Facets:
        """What the case is."""
        return Facets(segment=self.segment, team=self.team, branch=self.branch)

    def public(self) -> dict[str, Json]:
        """Keep all of it: nothing here is about a person."""
        return self.model_dump(mode="json")

    @model_validator(mode="after")
    def _people_keep_theirs(self) -> Self:
        if self.arm in {Arm.CONTROL, Arm.HOLDOUT} and self.authority is not Authority.SHADOW:
            raise Invalid(f"the {self.arm} arm is decided by people: authority must be shadow")
        return self


def place(
    grant: Grant,
    unit: Unit | None,
    facets: Facets,
    *,
    blind: bool = False,
    planted: bool = False,
) -> Placement:
    """
    Place a new case under a grant.

    Treated is `[0, x)`. Its control is `[5000, 5000+x)`, up to x = 5000 basis points. The
    holdout `[10000-h, 10000)` is taken out of both first. Where a cap is lower, it counts; what a
    restriction asks about and nobody knows is only watched. `blind` and
    `planted` count where people decide on proposals, never both.
    """
    authority, arm, because, number = _arm(grant, unit, facets)
    cap = grant.cap_of(facets.scopes())
    if cap is not None and cap[1].height < grant.authority.height:
        authority, because = lower_of(authority, cap[1]), f"{cap[0]} goes no higher than {cap[1]}"
        arm = Arm.REST  # on neither side of a comparison: its agent's side has nobody there
    return Placement(
        authority=authority,
        arm=arm,
        because=because,
        bucket=number,
        **facets.model_dump(),
        revision=grant.revision,
        blind=blind and authority is Authority.RECOMMEND,
        planted=planted and not blind and authority is Authority.RECOMMEND,
    )


def _arm(grant: Grant, unit: Unit | None, facets: Facets) -> tuple[Authority, Arm, str, int | None]:
    level, exposure = grant.authority, grant.exposure
    if level.height <= Authority.RECOMMEND.height:
        says = f"the workflow is {grant}" if grant.halted else f"the workflow is at {level}"
        return level, Arm.EVERYONE, says, None
    if unit is None:
        says = "nothing to be sticky by, so not exposed"
        return Authority.RECOMMEND, Arm.NO_UNIT, says, None
    number = bucket(grant.workflow, unit.kind, unit.id)
    if number >= BUCKETS - exposure.holdout:
        return Authority.SHADOW, Arm.HOLDOUT, "the permanent holdout is people's", number
    if level is Authority.FULL:
        return level, Arm.EVERYONE, "the workflow is at full", number
    outside, unknown = exposure.why_outside(facets)
    if outside:
        below = Authority.SHADOW if unknown else Authority.RECOMMEND
        return below, Arm.REST, outside, number
    if number < exposure.basis_points:
        return level, Arm.TREATED, f"bucket {number} is within {exposure}", number
    if exposure.basis_points <= HALF <= number < HALF + exposure.basis_points:
        return Authority.SHADOW, Arm.CONTROL, f"bucket {number} is the control", number
    return Authority.RECOMMEND, Arm.REST, f"bucket {number} is beyond {exposure}", number


def is_blind(grant: Grant, case_id: str) -> bool:
    """Whether a person decides a case before the proposal is shown; the same case, the same."""
    return bucket(f"{grant.workflow}:blind", "case", case_id) < grant.exposure.blind


def is_planted(grant: Grant, case_id: str) -> bool:
    """Whether a person is shown an error first; the same case, the same."""
    return bucket(f"{grant.workflow}:planted", "case", case_id) < grant.exposure.planted


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


def exposure_of(
    percent: float | None,
    segments: Sequence[str] = (),
    teams: Sequence[str] = (),
    branches: Sequence[str] = (),
    blind: float | None = None,
    planted: float = 0,
) -> Exposure:
    """Give an exposure from a percentage (0 to 100, two decimals) and named facets."""
    return Exposure(
        basis_points=_points(100.0 if percent is None else percent),
        blind=BLIND if blind is None else _points(blind),
        planted=_points(planted),
        segments=frozenset(segments),
        teams=frozenset(teams),
        branches=frozenset(branches),
    )


def _points(share: float) -> int:
    points = round(share * 100) if 0 <= share <= 100 else -1
    if abs(points - share * 100) > 1e-6 or points < 0:
        raise Invalid(f"{share:g} is not a percentage from 0 to 100 with at most two decimals")
    return points
