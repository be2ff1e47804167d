"""
What stands between a workflow and its next level, or its next share: the gates, as of a moment.

A pure function of the ledger up to that moment and the policy: whoever asks, it is the same.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlmodel import Session

from rollout.authority import FACETS, Authority, Exposure, Grant
from rollout.canonical import digest
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.falling import last_fall, latch
from rollout.gates import Finding, Policy, Status, fold
from rollout.grants import CAPS, current, history
from rollout.holes import holes
from rollout.limited_gates import Live, full_gates, limited_gates
from rollout.live import live
from rollout.monitors import alarm
from rollout.ramp import following as next_step
from rollout.recommend_gates import lift_gates, not_worse, recommend_gates
from rollout.releases import champion
from rollout.shadow import latest_release
from rollout.shadow_gates import shadow_gates
from rollout.staying import full_since, staying_gates
from rollout.tallies import side_by_side, tally_of
from rollout.track_record import track_record


@dataclass(frozen=True)
class Ahead:
    """What stands between a workflow and the next level."""

    grant: Grant
    to: Authority | None  #: None: there is no next level
    gates: tuple[Finding, ...]
    latch: str  #: why the way up is shut; empty: it is open
    release: str
    exposure: Exposure | None = None  #: of the next step, where that is limited
    scope: str = ""  #: the capped part that it is about; empty: the workflow

    @property
    def target(self) -> str:
        """The next level in words."""
        if self.scope:
            return f"{'no cap' if self.to is Authority.FULL else self.to} in {self.scope}"
        if self.to is self.grant.authority is Authority.FULL:
            return "full, renewed"
        return f"{self.to} to {self.exposure}" if self.exposure else str(self.to)

    @property
    def status(self) -> Status:
        """The worst gate; a shut way is a FAIL."""
        return Status.FAIL if self.latch else fold(self.gates)

    @property
    def is_ready(self) -> bool:
        """Whether somebody may ask for the next level: every gate passes."""
        return self.to is not None and self.status is Status.PASS

    @property
    def digest(self) -> str:
        """The digest of the evidence, as it is signed."""
        return digest([asdict(one) for one in self.gates])[:16]

    @property
    def because(self) -> list[str]:
        """Everything that holds it back, in words."""
        held = [one for one in self.gates if one.status is not Status.PASS and not one.is_dry]
        said = [f"{one.gate}: {one.because}" for one in held]
        return ([self.latch] if self.latch else []) + said


def look_ahead(
    session: Session,
    contract: Contract,
    policy: Policy,
    now: datetime,
    rival: str = "",
    scope: str = "",
    known: Live | None = None,
) -> Ahead:
    """
    Judge what leads to the next level, as of now; what leads a rival to the champion's place; or
    what lifts the cap of a scope. Raises `Invalid` for a scope that has none.

    A rival that takes over starts at recommend, whatever its predecessor had. `known` is what was
    read of its cases as of the same moment, where somebody needed it before.
    """
    grant = current(session, contract.workflow)
    if scope:
        return _of_part(session, contract, policy, grant, scope, now)
    if rival and rival != latest_release(session, contract.workflow):
        return _of_rival(session, contract, policy, grant, rival, now)
    following, share = next_step(contract, grant)
    release = latest_release(session, contract.workflow) or ""
    gates: Sequence[Finding] = ()
    if grant.authority is Authority.OFF and not grant.halted:
        gates = [_to_shadow(contract)]
    elif grant.authority is Authority.SHADOW and following is not None:
        since = last_fall(session, contract.workflow)
        gates = shadow_gates(tally_of(session, contract, release, now, since), policy)
    elif following is not None:
        gates = _above(session, contract, policy, following, release, now, known)
    shut = latch(session, contract.workflow, now)
    return Ahead(grant, following, tuple(gates), shut, release, share)


def _of_part(
    session: Session,
    contract: Contract,
    policy: Policy,
    grant: Grant,
    scope: str,
    now: datetime,
) -> Ahead:
    level = grant.caps.get(scope)
    if level is None:
        capped = ", ".join(sorted(grant.caps)) or "nothing"
        raise Invalid(f"{scope} has no cap in {contract.workflow}; capped: {capped}")
    if scope.partition(":")[0] not in FACETS:
        raise Invalid(f"nothing is compared by action: lift {scope} by `taxiway rollout cap`")
    release = latest_release(session, contract.workflow) or ""
    since = [row.at for row in history(session, contract.workflow) if row.scope == scope][-1]
    record = track_record(session, contract, release, now, since, scope)
    shut = latch(session, contract.workflow, now)
    gates = tuple(lift_gates(record, level, policy))
    return Ahead(grant, CAPS[CAPS.index(level) + 1], gates, shut, release, scope=scope)


def _of_rival(
    session: Session,
    contract: Contract,
    policy: Policy,
    grant: Grant,
    rival: str,
    now: datetime,
) -> Ahead:
    since = last_fall(session, contract.workflow)
    gates = shadow_gates(tally_of(session, contract, rival, now, since), policy)
    holds = champion(session, contract.workflow)
    if holds:
        marks = side_by_side(session, contract.workflow, rival, holds, now, since)
        gates.append(not_worse("not_worse_than_champion", marks, policy))
    if grant.authority is Authority.OFF:
        gates.append(Finding("authority", Status.FAIL, f"the workflow is {grant}"))
    shut = latch(session, contract.workflow, now)
    return Ahead(grant, Authority.RECOMMEND, tuple(gates), shut, rival)


def _above(
    session: Session,
    contract: Contract,
    policy: Policy,
    following: Authority,
    release: str,
    now: datetime,
    known: Live | None,
) -> Sequence[Finding]:
    """Judge what leads on from recommend, and on from each share."""
    since = last_fall(session, contract.workflow)
    record = track_record(session, contract, release, now, since)
    level = current(session, contract.workflow).authority
    if level is Authority.RECOMMEND:
        return recommend_gates(record, policy)
    why = alarm(session, contract, now)
    known = replace(known or live(session, contract, now), alarm=why.because if why else "")
    if level is Authority.FULL:
        began = full_since(session, contract.workflow)
        lately = track_record(session, contract, release, now, began)
        return staying_gates(record, lately, known, policy)
    judge = full_gates if following is Authority.FULL else limited_gates
    return judge(known, record, policy)


def _to_shadow(contract: Contract) -> Finding:
    """Only watching needs no evidence, but an agreement without holes."""
    if found := holes(contract):
        return Finding("contract", Status.FAIL, "; ".join(found))
    return Finding("contract", Status.PASS, "nothing is left open in it")
