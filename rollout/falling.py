"""
Falling: at once, by anybody or by a monitor, without approval and without evidence.

After a fall the way up stays shut until somebody has said why it came, and for a day; twice as long
with each further fall within thirty days.
"""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, Identity
from sqlmodel import Field, Session, SQLModel, col, func, select

from rollout.authority import Authority, Exposure, Grant, lower_of
from rollout.columns import moment
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.grants import cap, change, current, history
from rollout.ledger import note
from rollout.ramp import HALF
from rollout.releases import NOBODY, ChampionRow, champions, crown

DAY = timedelta(days=1)
COOLDOWN = timedelta(hours=24)
MONTH = timedelta(days=30)
SEVERITIES = ("S1", "S2", "S3")  #: a breach: off; harm: one level down; missing evidence: no rise


class FallRow(SQLModel, table=True):
    """A fall, which shuts the way up until somebody has said why."""

    __tablename__ = "fall"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    workflow: str = Field(index=True)
    severity: str  #: S1, S2 or S3
    scope: str = ""  #: the part that fell; empty: all of it
    because: str
    by: str
    at: datetime = moment()
    until: datetime = moment()  #: no rise before
    cause: str = ""  #: what somebody found it was; empty: nobody has looked
    acknowledged_by: str = ""


def fall(
    session: Session,
    contract: Contract,
    *,
    severity: str,
    by: str,
    because: str,
    now: datetime,
    scope: str = "",
) -> Grant:
    """
    Lower a workflow at once, S1 to off, S2 by one level, S3 not at all; and shut the way up.

    From full it falls to half of the cases, beside the same number that people have.

    With a scope, like segment:SMB, S2 lowers only that; two of them within a day, all of it.

    No approval, no quorum. What is under way is refused by the gate of every write.
    """
    if severity not in SEVERITIES:
        raise Invalid(f"{severity} is no severity; known: {', '.join(SEVERITIES)}")
    if not because.strip():
        raise Invalid("a fall needs a reason: --because TEXT")
    grant = current(session, contract.workflow)
    if scope and severity == "S2" and not _spreads(session, contract.workflow, scope, now):
        grant = _lower_part(session, contract, grant, scope, by=by, because=because, now=now)
    elif severity == "S2" and (before := _that_held(session, contract.workflow, grant)):
        grant = _fall_back(session, contract, grant, before, by=by, because=because, now=now)
    else:
        why = f"{severity}: {because}"
        grant = _lower(session, contract, grant, severity, by=by, because=why, now=now)
    falls = session.exec(
        select(FallRow).where(FallRow.workflow == contract.workflow, FallRow.at > now - MONTH)
    ).all()
    session.add(
        FallRow(
            workflow=contract.workflow,
            severity=severity,
            scope=scope,
            because=because,
            by=by,
            at=now,
            until=now + COOLDOWN * 2 ** len(falls),
        )
    )
    session.flush()
    note(
        session,
        workflow=contract.workflow,
        kind="fall",
        actor=by,
        at=now,
        fields={"severity": severity, "scope": scope, "to": str(grant), "because": because},
    )
    return grant


def _lower(
    session: Session,
    contract: Contract,
    grant: Grant,
    severity: str,
    *,
    by: str,
    because: str,
    now: datetime,
) -> Grant:
    """Lower the whole workflow, S1 to off and S2 by one level; S3, and what is halted, stays."""
    down = {"S1": 0, "S2": max(0, grant.authority.height - 1)}
    lower = list(Authority)[down.get(severity, grant.authority.height)]
    if lower is grant.authority or grant.halted:
        return grant
    half = Exposure(basis_points=HALF).measured_as(grant.exposure)
    share = half if lower is Authority.LIMITED else None
    return change(session, contract, lower, exposure=share, by=by, because=because, now=now)


def _that_held(session: Session, workflow: str, grant: Grant) -> ChampionRow | None:
    """Give the champion before the present one, if it held the level and never fell from it."""
    rows = champions(session, workflow)
    if grant.halted or grant.authority.height <= Authority.SHADOW.height or len(rows) < 2:
        return None
    before, present = rows[-2], rows[-1]
    fell = session.exec(
        select(func.count()).where(
            FallRow.workflow == workflow,
            col(FallRow.severity).in_(["S1", "S2"]),
            FallRow.at >= before.at,
            FallRow.at <= present.at,
        )
    ).one()
    earlier = [
        Authority(row.authority)
        for row in history(session, workflow)
        if not row.scope and row.at < present.at
    ]
    held = earlier[-1].height if earlier else 0
    other = before.release not in {NOBODY, present.release}
    return before if other and not fell and held >= grant.authority.height else None


def _fall_back(
    session: Session,
    contract: Contract,
    grant: Grant,
    before: ChampionRow,
    *,
    by: str,
    because: str,
    now: datetime,
) -> Grant:
    """Give the level back to the release that held it; the one that fell has none."""
    why = f"S2: {because}; {before.release[:8]}, which held it, has it again"
    crown(session, contract.workflow, before.release, by=by, because=why, now=now)
    share = grant.exposure if grant.authority is Authority.LIMITED else None
    return change(session, contract, grant.authority, exposure=share, by=by, because=why, now=now)


def _spreads(session: Session, workflow: str, scope: str, now: datetime) -> bool:
    """Whether another part fell within a day: then it is not the part."""
    others = session.exec(
        select(func.count()).where(
            FallRow.workflow == workflow,
            FallRow.severity == "S2",
            FallRow.at > now - DAY,
            col(FallRow.scope).not_in(["", scope]),
        )
    ).one()
    return others > 0


def _lower_part(
    session: Session,
    contract: Contract,
    grant: Grant,
    scope: str,
    *,
    by: str,
    because: str,
    now: datetime,
) -> Grant:
    level = lower_of(grant.authority, grant.caps.get(scope, Authority.FULL))
    below = list(Authority)[max(Authority.SHADOW.height, level.height - 1)]
    lower = lower_of(below, Authority.RECOMMEND)  # a part has no share of its own
    return cap(session, contract, scope, lower, by=by, because=f"S2: {because}", now=now)


def acknowledge(session: Session, contract: Contract, *, by: str, cause: str, now: datetime) -> int:
    """Say why a workflow fell; gives how many falls that concerned."""
    if not cause.strip():
        raise Invalid("say what the cause was: --cause TEXT")
    rows = session.exec(
        select(FallRow).where(FallRow.workflow == contract.workflow, FallRow.cause == "")
    ).all()
    if not rows:
        raise Invalid(f"{contract.workflow} has no fall that waits for its cause")
    for row in rows:
        row.cause, row.acknowledged_by = cause.strip(), by
        session.add(row)
    note(
        session,
        workflow=contract.workflow,
        kind="fall_acknowledged",
        actor=by,
        at=now,
        fields={"falls": len(rows), "cause": cause.strip()},
    )
    session.flush()
    return len(rows)


def latch(session: Session, workflow: str, now: datetime) -> str:
    """Say why the way up is shut; empty where it is open."""
    rows = session.exec(select(FallRow).where(FallRow.workflow == workflow)).all()
    unknown = [row for row in rows if not row.cause]
    if unknown:
        return f"it fell on {unknown[-1].at:%Y-%m-%d} ({unknown[-1].because}), and nobody said why"
    until = max((row.until for row in rows), default=now)
    return f"it fell lately: no rise before {until:%Y-%m-%d %H:%M} UTC" if until > now else ""


def last_fall(session: Session, workflow: str) -> datetime | None:
    """
    Give the moment of the last fall: evidence from before it does not count any more.

    A part that fell takes nothing from what the others have shown.
    """
    return session.exec(
        select(func.max(FallRow.at)).where(FallRow.workflow == workflow, FallRow.scope == "")
    ).one()
