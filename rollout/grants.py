"""
How authority changes: by recorded transitions, one level up at a time, any number down.

A grant is the fold of its transitions; there is no other place in which it could be changed.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, text
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.authority import Authority, Exposure, Grant
from rollout.columns import document, moment
from rollout.contract import Contract, complete
from rollout.errors import Invalid
from rollout.ledger import note


class Transition(SQLModel, table=True):
    """One change of authority: who, what, why."""

    __tablename__ = "transition"

    revision: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    workflow: str = Field(index=True)
    authority: str
    exposure: dict[str, Any] = document()
    by: str
    because: str
    at: datetime = moment()


def current(session: Session, workflow: str) -> Grant:
    """Give what the workflow's agent may do now; OFF before the first transition."""
    last = session.exec(
        select(Transition)
        .where(Transition.workflow == workflow)
        .order_by(col(Transition.revision).desc())
        .limit(1)
    ).one_or_none()
    return Grant(workflow=workflow) if last is None else _as_grant(last)


def history(session: Session, workflow: str) -> list[Transition]:
    """Give every transition of a workflow, oldest first."""
    return list(
        session.exec(
            select(Transition)
            .where(Transition.workflow == workflow)
            .order_by(col(Transition.revision))
        ).all()
    )


def lock(session: Session, workflow: str) -> None:
    """Make transitions of a workflow and the gate of its effects wait for each other."""
    session.execute(text("select pg_advisory_xact_lock(hashtext(:w))"), {"w": f"grant:{workflow}"})


def lock_shared(session: Session, workflow: str) -> None:
    """Let gates pass side by side, but not beside a transition."""
    session.execute(
        text("select pg_advisory_xact_lock_shared(hashtext(:w))"), {"w": f"grant:{workflow}"}
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
    share = exposure or Exposure()
    _check(was, to, share, because)
    if to is not Authority.OFF:
        complete(contract)
        if to not in contract.plan:
            raise Invalid(f"{contract.plan[-1]} is this workflow's ceiling, by its contract")
    row = Transition(
        workflow=workflow,
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
        workflow=workflow,
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
    if not because.strip():
        raise Invalid("a change of authority needs a reason: --because TEXT")
    if to.height > was.authority.height + 1:
        following = list(Authority)[was.authority.height + 1]
        raise Invalid(
            f"{was.workflow} is at {was.authority}: the next level up is {following}, "
            f"and levels are not skipped"
        )
    if to is not Authority.LIMITED and share != Exposure():
        raise Invalid(f"a percentage or a segment belongs to limited, not to {to}")
    if to is Authority.LIMITED and share.basis_points == 0:
        raise Invalid("limited to 0 % is recommend: choose a percentage above 0")


def _as_grant(row: Transition) -> Grant:
    return Grant(
        workflow=row.workflow,
        authority=Authority(row.authority),
        exposure=Exposure.model_validate(row.exposure),
        revision=row.revision or 0,
    )
