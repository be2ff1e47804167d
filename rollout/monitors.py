"""
What takes authority away: breaches, people who overrule the agent, what becomes of its cases;
and what only stops a rise: a comparison that has broken, and drift.

Judged from the ledger from the last change of authority on. The watch over overrules goes on where
it stood, so that a look costs what has happened since the last one, and not what ever happened.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.answers import FAULTS, Reason, Verb
from rollout.authority import Authority
from rollout.contract import Contract
from rollout.decisions import Decision
from rollout.drift import drifts
from rollout.evidence import ECusum, log_e_mean
from rollout.gate import BREACH
from rollout.gates import Policy, Status
from rollout.grants import current, history
from rollout.ledger import Entry
from rollout.limited_gates import Live, sample_ratio
from rollout.opinions import RECHECKED
from rollout.write_budget import DAY, OVER

ACCEPTED, HARMFUL = 0.10, 0.30  #: shares of decisions that overrule the agent for its own error
WORSE_ALPHA = 0.001  #: of the watch over outcomes beside the control's
SOUND = 20  #: decisions after which a silent watch says that a part is sound
LAG = timedelta(seconds=10)  #: so that no decision that is committed late is passed over
SILENT = timedelta(days=14)  #: without a single case: nothing is known any more


class MonitorRow(SQLModel, table=True):
    """Where a watch stands, since which change of authority, and what it has seen."""

    __tablename__ = "monitor"

    workflow: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)  #: empty, or like segment:SMB
    revision: int  #: of the change from which on it counts
    seen: int = Field(sa_type=BigInteger)  #: the last row of the ledger that it took
    log_m: float
    events: int
    overruled: int


@dataclass(frozen=True)
class Alarm:
    """Why a workflow, or a part of it, is to fall."""

    severity: str
    because: str
    scope: str = ""  #: the part; empty: the whole workflow


@dataclass
class Watched:
    """A watch over overrules, and how many it saw."""

    watch: ECusum
    overruled: int = 0
    seen: int = 0


def overrules(session: Session, contract: Contract, cutoff: datetime) -> dict[str, Watched]:
    """
    Watch how often people overrule the agent for its own error, for all and by segment.

    The watch of an earlier authority is over: what it fell for does not count against it again.
    """
    changes = history(session, contract.workflow)
    revision = changes[-1].revision or 0 if changes else 0
    found = _kept(session, contract.workflow, revision)
    since = changes[-1].at if changes else None
    last = max((one.seen for one in found.values()), default=0)
    for seq, fields, segment in _words(session, contract.workflow, last, since, cutoff):
        own_error = _is_own_error(fields)
        for scope in ("", *([f"segment:{segment}"] if segment else [])):
            one = found.setdefault(scope, Watched(_watch()))
            if not one.watch.alarm:
                one.watch.add(own_error)
                one.overruled += own_error
            one.seen = seq
    _keep(session, contract.workflow, revision, found)
    return found


def alarms(
    session: Session, contract: Contract, cutoff: datetime, known: Live | None = None
) -> list[Alarm]:
    """Say why a workflow, or parts of it, are to fall now: the gravest first."""
    grant = current(session, contract.workflow)
    if grant.halted or grant.authority.height <= Authority.SHADOW.height:
        return []
    found = [*_breaches(session, contract.workflow, cutoff)]
    found += _over_budget(session, contract.workflow, cutoff)
    watches = overrules(session, contract, cutoff)
    found += _overruled(watches)
    if known is not None:
        found += [Alarm("S3", str(one)) for one in drifts(session, contract.workflow, cutoff)]
    if known is not None and grant.authority.height >= Authority.LIMITED.height:
        found += [*worse(known), *_broken(known)]
    return sorted(found, key=lambda one: (one.severity, one.scope))


def alarm(session: Session, contract: Contract, cutoff: datetime) -> Alarm | None:
    """Give the gravest reason to fall, or None."""
    return next(iter(alarms(session, contract, cutoff)), None)


def _watch() -> ECusum:
    return ECusum(accepted=ACCEPTED, harmful=HARMFUL)


def _kept(session: Session, workflow: str, revision: int) -> dict[str, Watched]:
    rows = session.exec(
        select(MonitorRow).where(MonitorRow.workflow == workflow, MonitorRow.revision == revision)
    ).all()
    return {
        row.scope: Watched(
            replace(_watch(), log_m=row.log_m, events=row.events), row.overruled, row.seen
        )
        for row in rows
    }


def _keep(session: Session, workflow: str, revision: int, found: dict[str, Watched]) -> None:
    for scope, one in found.items():
        values = {
            "revision": revision,
            "seen": one.seen,
            "log_m": one.watch.log_m,
            "events": one.watch.events,
            "overruled": one.overruled,
        }
        session.execute(
            insert(MonitorRow)
            .values(workflow=workflow, scope=scope, **values)
            .on_conflict_do_update(index_elements=["workflow", "scope"], set_=values)
        )


def _words(
    session: Session, workflow: str, after: int, since: datetime | None, cutoff: datetime
) -> Iterable[tuple[int, dict[str, Any], str | None]]:
    placed = aliased(Entry)
    wanted = (
        select(col(Entry.seq), col(Entry.fields), col(placed.fields)["segment"].astext)
        .join(
            placed,
            (col(placed.case_id) == col(Entry.case_id)) & (col(placed.step) == "placement"),
            isouter=True,
        )
        .where(
            Entry.workflow == workflow,
            col(Entry.kind).in_([Decision.kind, RECHECKED]),
            col(Entry.fields)["planted"].as_boolean().is_not(True),
            col(Entry.seq) > after,
            Entry.at <= cutoff - LAG,
        )
        .order_by(col(Entry.seq))
    )
    if since is not None:
        wanted = wanted.where(Entry.at > since)
    return session.execute(wanted).tuples().all()


def _breaches(session: Session, workflow: str, cutoff: datetime) -> Iterator[Alarm]:
    """One is enough, and no statistics: the gate did not let it out, but it was tried."""
    changes = history(session, workflow)
    wanted = select(func.count(), func.max(col(Entry.case_id))).where(
        Entry.workflow == workflow, Entry.kind == BREACH, Entry.at <= cutoff
    )
    if changes:
        wanted = wanted.where(Entry.at > changes[-1].at)
    count, case_id = session.exec(wanted).one()
    if count:
        yield Alarm("S1", f"it tried what its contract forbids: {count} times, last in {case_id}")


def _over_budget(session: Session, workflow: str, cutoff: datetime) -> Iterator[Alarm]:
    """
    What did not fit was not written; but nothing rises until somebody knows why.

    It is told of the action alone: the workflow's evidence is none the worse for a busy day.
    """
    action = col(Entry.fields)["action"].astext
    rows = session.execute(
        select(action, func.count(), func.max(col(Entry.case_id)))
        .where(
            Entry.workflow == workflow,
            Entry.kind == OVER,
            Entry.at > cutoff - DAY,
            Entry.at <= cutoff,
        )
        .group_by(action)
        .order_by(action)
    ).all()
    for name, count, last in rows:
        words = f"write budget: {count} times a day {name} did not fit, last in {last}"
        yield Alarm("S3", words, f"action:{name}")


def _overruled(watches: dict[str, Watched]) -> Iterator[Alarm]:
    """Where one part alone speaks, and another one is known to be sound, it is that part."""
    speak = [scope for scope in sorted(watches) if watches[scope].watch.alarm]
    parts = [scope for scope in speak if scope]
    sound = any(
        one.watch.events >= SOUND and not one.watch.alarm for scope, one in watches.items() if scope
    )
    if "" in speak:
        speak = parts if len(parts) == 1 and sound else [""]
    for scope in speak:
        one = watches[scope]
        words = (
            f"people overruled it for its own error {one.overruled} times in "
            f"{one.watch.events} decisions, and {ACCEPTED:.0%} are accepted"
        )
        yield Alarm("S2", words, scope)


def worse(known: Live) -> Iterator[Alarm]:
    """Its cases turn out worse than the control's, the n-th of both as they ended."""
    n = min(len(known.good), len(known.control_good))
    pairs = (known.control_good[:n].astype(float) - known.good[:n] + 1) / 2
    if n and log_e_mean(pairs, 0.5) >= math.log(1 / WORSE_ALPHA):
        yield Alarm(
            "S2",
            f"its cases turned out well in {known.good.mean():.0%} of {len(known.good)}, people's "
            f"in {known.control_good.mean():.0%} of {len(known.control_good)}",
        )


def _broken(known: Live) -> Iterator[Alarm]:
    """The comparison itself has broken: nothing rises on it until somebody has looked."""
    ratio = sample_ratio(known, Policy())
    if ratio.status is Status.FAIL:
        yield Alarm("S3", f"sample ratio: {ratio.because}")
    if known.step_days > SILENT.days and not known.treated:
        yield Alarm("S3", f"no case came to it for {SILENT.days} days")


def _is_own_error(fields: dict[str, Any]) -> bool:
    """Whether a person overruled it for its own error, or a recheck found one."""
    if "wrong" in fields:
        return bool(fields["wrong"])
    reason = fields.get("reason")
    known = reason is not None and FAULTS.get(Reason(reason)) == "agent"
    return known and fields["verb"] != Verb.APPROVE
