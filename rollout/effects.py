"""
Writes outside, each once: the intent, and what became of it. What lets one out is `gate`.

An effect is stored before it is sent, with the very bytes that will be sent. From the moment it
is let out, until the answer is noted, it counts as unknown, and whoever finds it so settles it by
the way its contract declares (`Safety`). The fence grows with each attempt: an older attempt that
wakes up late can note nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, Index, UniqueConstraint, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.budgets import settle
from rollout.canonical import Json
from rollout.case import Action, Case, CaseRow
from rollout.columns import document, moment, octets
from rollout.ledger import Fact, note


class State(StrEnum):
    """Where an effect stands."""

    READY = "ready"  #: Intended; nothing has left.
    SENT = "sent"  #: It may have arrived: unknown until an answer is noted.
    DONE = "done"  #: It arrived, once.
    REVERTED = "reverted"  #: It arrived, and was taken back.
    REFUSED = "refused"  #: The gate did not let it out, or the record had changed.
    FAILED = "failed"  #: The receiver said no for good.
    UNKNOWN = "unknown"  #: Nothing can tell whether it arrived: a person looks.


FINAL = frozenset({State.DONE, State.REVERTED, State.REFUSED, State.FAILED, State.UNKNOWN})


class Basis(StrEnum):
    """On whose word an effect runs."""

    AGENT = "agent"  #: The agent's alone: needs LIMITED or FULL, now.
    DECISION = "decision"  #: A person's decision on exactly this action.
    HANDOFF = "handoff"  #: The contract's own exception: tells a person, decides nothing.
    UNDO = "undo"  #: Takes back what this case wrote: a person's word, or its next write failed.


class Request(BaseModel):
    """What will be sent, byte for byte."""

    model_config = ConfigDict(frozen=True)

    method: str
    path: str
    body: bytes
    key: str = ""  #: the effect's, for a receiver that knows idempotency keys


class Intent(BaseModel):
    """A write that is wanted: what, on whose word, and over which values."""

    model_config = ConfigDict(frozen=True)

    step: str  #: unique within the case
    action: Action
    request: Request
    basis: Basis
    nth: int | None = None  #: the review whose decision it rests on
    expected: Mapping[str, str | None] = {}  #: the target's values when it was proposed
    changes: Mapping[str, str | None] = {}  #: the target's values afterwards
    amount: int = 0  #: the money it moves, in minor units
    undoes: str | None = None  #: the step of the effect that it takes back


class EffectRow(SQLModel, table=True):
    """One write outside, with its life."""

    __tablename__ = "effect"
    __table_args__ = (
        UniqueConstraint("case_id", "step"),
        Index("ix_effect_sent", "workflow", "action", "sent_at"),
    )

    key: str = Field(primary_key=True)
    case_id: str = Field(index=True)
    workflow: str
    step: str
    action: str
    target: str
    action_hash: str
    basis: str
    nth: int | None = None  #: the review whose decision it rests on
    placed_at: str  #: the case's own level
    policy_version: str
    method: str
    path: str
    body: bytes = octets()
    body_sha: str
    expected: dict[str, Any] = document()  #: the values seen when it was proposed
    noted: dict[str, Any] = document()  #: the values seen just before the gate
    changes: dict[str, Any] = document()  #: the values it sets
    amount: int = Field(default=0, sa_type=BigInteger)  #: the money it moves, in minor units
    undoes: str | None = None  #: the step of the effect that it takes back
    state: str = Field(default=State.READY, index=True)
    attempt: int = 0
    fence: int = 0
    made_at: datetime = moment()
    sent_at: datetime | None = moment(optional=True)
    lease_until: datetime | None = moment(optional=True)
    ended_at: datetime | None = moment(optional=True)
    remote_id: str | None = None
    because: str = ""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return State(self.state) in FINAL


class Sent(Fact):
    """What became of a write, as the case remembers it."""

    kind: ClassVar[str] = "effect"

    step: str = ""
    action: str
    target: str
    state: State
    because: str
    remote_id: str | None = None
    attempts: int
    basis: Basis
    key: str

    def public(self) -> dict[str, Json]:
        """Keep what was written where, on whose word, and how it ended."""
        return self.model_dump(mode="json", exclude={"because"})


def key_of(case: Case, step: str) -> str:
    """Give an effect's idempotency key: the SHA-256 of workflow, case and step."""
    return sha256(f"{case.workflow}|{case.id}|{step}".encode()).hexdigest()


def intend(
    session: Session,
    case: Case,
    intent: Intent,
    now: datetime,
    *,
    lost_at: datetime | None = None,
) -> EffectRow:
    """
    Store the intent of a write unless it stands already; give the one that stands.

    With `lost_at`, it may have been sent before that moment, and our knowledge of it is lost.
    """
    action, request = intent.action, intent.request
    added = session.execute(
        insert(EffectRow)
        .values(
            key=key_of(case, intent.step),
            case_id=case.id,
            workflow=case.workflow,
            step=intent.step,
            action=action.name,
            target=action.target,
            action_hash=action.hash,
            basis=intent.basis,
            nth=intent.nth,
            placed_at=case.authority,
            policy_version=case.contract_version,
            method=request.method,
            path=request.path,
            body=request.body,
            body_sha=sha256(request.body).hexdigest(),
            expected=dict(intent.expected),
            noted={},
            changes=dict(intent.changes),
            amount=intent.amount,
            undoes=intent.undoes,
            state=State.SENT if lost_at else State.READY,
            attempt=0,
            fence=0,
            made_at=now,
            sent_at=lost_at,
            lease_until=lost_at,
            because="",
        )
        .on_conflict_do_nothing(index_elements=["case_id", "step"])
        .returning(col(EffectRow.key))
    ).scalar_one_or_none()
    if added is not None:
        note(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=f"intent:{intent.step}",
            kind="intent",
            actor="taxiway",
            at=now,
            fields={"action": action.name, "target": action.target, "basis": intent.basis.value},
        )
    return standing(session, case, intent.step)


def standing(session: Session, case: Case, step: str) -> EffectRow:
    """Read an effect that was intended."""
    return session.exec(
        select(EffectRow).where(EffectRow.case_id == case.id, EffectRow.step == step)
    ).one()


def end(
    session: Session,
    effect: EffectRow,
    state: State,
    *,
    because: str,
    now: datetime,
    remote_id: str | None = None,
) -> bool:
    """Note how an effect ended, if its fence is still ours; False for a late attempt."""
    ended = session.execute(
        update(EffectRow)
        .where(
            col(EffectRow.key) == effect.key,
            col(EffectRow.fence) == effect.fence,
            col(EffectRow.state).in_([State.READY, State.SENT]),
        )
        .values(state=state, because=because, ended_at=now, remote_id=remote_id)
        .returning(col(EffectRow.key))
    ).scalar_one_or_none()
    if ended is None:
        return False
    if effect.amount:
        moved = state in {State.DONE, State.UNKNOWN}
        settle(session, effect.key, effect.amount if moved else 0, now)
    if effect.undoes and state is State.DONE:
        _mark_reverted(session, effect)
    return True


def _mark_reverted(session: Session, undo: EffectRow) -> None:
    session.execute(
        update(EffectRow)
        .where(
            col(EffectRow.case_id) == undo.case_id,
            col(EffectRow.step) == undo.undoes,
            col(EffectRow.state) == State.DONE,
        )
        .values(state=State.REVERTED)
    )


def abandoned(session: Session, before: datetime) -> list[EffectRow]:
    """
    Give the writes that are not settled although their case had ended before a moment.

    What was meant only afterwards is somebody else's to finish: the clock's, on a handoff.
    """
    return list(
        session.exec(
            select(EffectRow)
            .join(CaseRow, col(CaseRow.id) == col(EffectRow.case_id))
            .where(
                col(EffectRow.state).in_([State.READY, State.SENT]),
                col(CaseRow.closed_at) < before,
                (col(EffectRow.made_at) <= col(CaseRow.closed_at))
                | col(EffectRow.undoes).is_not(None),
                col(EffectRow.lease_until).is_(None) | (col(EffectRow.lease_until) < before),
            )
            .order_by(col(EffectRow.made_at))
        ).all()
    )


def take_back(session: Session, effect: EffectRow) -> None:
    """Note that an attempt surely never arrived: the effect is ready again."""
    session.execute(
        update(EffectRow)
        .where(
            col(EffectRow.key) == effect.key,
            col(EffectRow.fence) == effect.fence,
            col(EffectRow.state) == State.SENT,
        )
        .values(state=State.READY, lease_until=None)
    )
