"""
How authority changes: by recorded transitions, one level up at a time, any number down.

A grant is the fold of its transitions; there is no other place in which it could be changed. A
transition with a scope, like `segment:SMB`, is a cap: however high the workflow is, there it goes
no higher.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Identity
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.authority import FACETS, Authority, Exposure, Grant
from rollout.columns import document, moment
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.halts import EVERY, end_halts, halted, lock
from rollout.holes import complete
from rollout.ledger import note

SCOPES = (*FACETS, "action")  #: what can have a cap
#: How high a cap can be; a part has no share of its own, and FULL is no cap.
CAPS = (Authority.OFF, Authority.SHADOW, Authority.RECOMMEND, Authority.FULL)


class Transition(SQLModel, table=True):
    """One change of authority: who, what, why."""

    __tablename__ = "transition"

    revision: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    workflow: str = Field(index=True)
    scope: str = ""  #: what it caps; empty: it is the workflow's own level
    authority: str
    exposure: dict[str, Any] = document()
    by: str
    because: str
    at: datetime = moment()


def current(session: Session, workflow: str) -> Grant:
    """Give what the workflow's agent may do now; OFF before the first transition, and halted."""
    grant = granted(session, workflow).model_copy(update={"caps": caps(session, workflow)})
    reason = halted(session, workflow)
    if reason is None:
        return grant
    return grant.model_copy(update={"authority": Authority.OFF, "halted": reason})


def granted(session: Session, workflow: str) -> Grant:
    """Give what the last transition says, whether halted or not."""
    last = session.exec(
        select(Transition)
        .where(Transition.workflow == workflow, Transition.scope == "")
        .order_by(col(Transition.revision).desc())
        .limit(1)
    ).one_or_none()
    return Grant(workflow=workflow) if last is None else _as_grant(last)


def caps(session: Session, workflow: str) -> dict[str, Authority]:
    """Give how high the agent may go in each capped scope; what was lifted is no cap."""
    rows = session.exec(
        select(Transition)
        .where(Transition.workflow == workflow, Transition.scope != "")
        .order_by(col(Transition.revision))
    ).all()
    last = {row.scope: Authority(row.authority) for row in rows}
    return {scope: level for scope, level in last.items() if level in CAPS[:-1]}


def history(session: Session, workflow: str) -> list[Transition]:
    """Give every transition of a workflow, oldest first."""
    return list(
        session.exec(
            select(Transition)
            .where(Transition.workflow == workflow)
            .order_by(col(Transition.revision))
        ).all()
    )


def change(
    session: Session,
    contract: Contract,
    to: Authority,
    *,
    exposure: Exposure | None = None,
    by: str,
    because: str,
    now: datetime,
) -> Grant:
    """
    Record a transition and give the new grant.

    Raises `Invalid` when the reason is missing, when the climb would skip a level or pass the
    contract's ceiling, or when an exposure is given that the level cannot have. Raises
    `ContractIncomplete` when a contract with holes is to leave OFF.
    """
    workflow = contract.workflow
    lock(session, workflow)
    was = current(session, workflow)
    if was.halted:
        raise Invalid(f"{workflow} is {was}: `taxiway rollout revive {workflow}` comes first")
    share = exposure or Exposure()
    _check(was, to, share, because)
    if to.height > was.authority.height:  # a fall waits for nothing
        complete(contract)
        if to not in contract.plan:
            raise Invalid(f"{contract.plan[-1]} is this workflow's ceiling, by its contract")
    return _record(session, was, to, share, by=by, because=because, now=now)


def cap(
    session: Session,
    contract: Contract,
    scope: str,
    to: Authority,
    *,
    by: str,
    because: str,
    now: datetime,
) -> Grant:
    """
    Let the agent go no higher in a scope; FULL lifts the cap. Any number down, one level up.

    Raises `Invalid` for a scope that cannot be, or a rise that skips a level.
    """
    lock(session, contract.workflow)
    was = current(session, contract.workflow)
    _check_scope(contract, scope)
    _check_reason(because)
    known = was.caps.get(scope, Authority.FULL)
    if to not in CAPS:
        raise Invalid(f"{to} is a share, and a part has none: a cap is {', '.join(CAPS)}")
    if CAPS.index(to) > CAPS.index(known) + 1:
        raise Invalid(f"{scope} is capped at {known}: levels are not skipped")
    row = Transition(
        workflow=contract.workflow,
        scope=scope,
        authority=to,
        exposure={},
        by=by,
        because=because.strip(),
        at=now,
    )
    session.add(row)
    session.flush()
    note(
        session,
        workflow=contract.workflow,
        kind="transition",
        actor=by,
        at=now,
        fields={
            "scope": scope,
            "from": known.value,
            "to": to.value,
            "because": row.because,
            "revision": row.revision or 0,
        },
    )
    return current(session, contract.workflow)


def revive(
    session: Session,
    contracts: Sequence[Contract],
    scope: str,
    *,
    by: str,
    because: str,
    now: datetime,
) -> list[Grant]:
    """
    End the stop of a workflow or of `EVERY` one; gives what each one concerned may do now.

    Nothing comes back above shadow. Raises `Invalid` without a reason, or where nothing is stopped.
    """
    if not because.strip():
        raise Invalid("a revival needs a reason: --because TEXT")
    concerned = [one.workflow for one in contracts if scope in {EVERY, one.workflow}]
    for workflow in concerned:
        lock(session, workflow)
    if not end_halts(session, scope, by=by, because=because, now=now):
        raise Invalid(f"{scope} is not halted: there is nothing to revive")
    for workflow in concerned:
        was = granted(session, workflow)
        if was.authority.height > Authority.SHADOW.height:
            why = f"revived: {because}"
            _record(session, was, Authority.SHADOW, Exposure(), by=by, because=why, now=now)
    return [current(session, workflow) for workflow in concerned]


def _record(
    session: Session,
    was: Grant,
    to: Authority,
    share: Exposure,
    *,
    by: str,
    because: str,
    now: datetime,
) -> Grant:
    row = Transition(
        workflow=was.workflow,
        authority=to,
        exposure=share.model_dump(mode="json"),
        by=by,
        because=because.strip(),
        at=now,
    )
    session.add(row)
    session.flush()
    grant = _as_grant(row)
    note(
        session,
        workflow=was.workflow,
        kind="transition",
        actor=by,
        at=now,
        fields={
            "from": str(was),
            "to": str(grant),
            "because": row.because,
            "revision": grant.revision,
        },
    )
    return grant


def _check(was: Grant, to: Authority, share: Exposure, because: str) -> None:
    _check_reason(because)
    if to.height > was.authority.height + 1:
        following = list(Authority)[was.authority.height + 1]
        raise Invalid(
            f"{was.workflow} is at {was.authority}: the next level up is {following}, "
            f"and levels are not skipped"
        )
    if to is not Authority.LIMITED and share.measured_as(Exposure()) != Exposure():
        raise Invalid(f"a percentage or a segment belongs to limited, not to {to}")
    if to is Authority.LIMITED and share.basis_points == 0:
        raise Invalid("limited to 0 % is recommend: choose a percentage above 0")


def _check_reason(because: str) -> None:
    if not because.strip():
        raise Invalid("a change of authority needs a reason: --because TEXT")


def _check_scope(contract: Contract, scope: str) -> None:
    kind, _, name = scope.partition(":")
    if kind not in SCOPES or not name.strip():
        known = ", ".join(f"{one}:NAME" for one in SCOPES)
        raise Invalid(f"{scope!r} is no scope; known: {known}")
    if kind == "action" and contract.action(name) is None:
        raise Invalid(f"{contract.workflow} has no action {name}")


def _as_grant(row: Transition) -> Grant:
    return Grant(
        workflow=row.workflow,
        authority=Authority(row.authority),
        exposure=Exposure.model_validate(row.exposure),
        revision=row.revision or 0,
    )
