"""
Caps on money that hold: what may be spent is reserved before the call and settled after it.

A scope is whatever has a cap of its own, for example `lead-routing/model/2026-11-25`. Spent and
reserved together never pass the cap: the budget's row is locked, and a CHECK stands behind it.
A reservation whose outcome nobody notes counts in full for ever: it may have been spent.

Amounts are integers: the currency's minor units, or for models their thousandths.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel, select

from rollout.columns import moment
from rollout.errors import Invalid, OverBudget


class Budget(SQLModel, table=True):
    """What a scope may cost, has cost, and may yet cost by calls under way."""

    __tablename__ = "budget"
    __table_args__ = (
        CheckConstraint("spent + reserved <= cap", name="budget_holds"),
        CheckConstraint("spent >= 0 and reserved >= 0 and beyond >= 0", name="budget_counts"),
    )

    scope: str = Field(primary_key=True)
    cap: int = Field(sa_type=BigInteger)
    spent: int = Field(default=0, sa_type=BigInteger)
    reserved: int = Field(default=0, sa_type=BigInteger)
    beyond: int = Field(default=0, sa_type=BigInteger)  #: billed above what was reserved for it
    parts: int = 1  #: how many of the amounts make one minor unit

    @property
    def taken(self) -> int:
        """What is gone, or may be."""
        return self.spent + self.reserved + self.beyond


class Reservation(SQLModel, table=True):
    """One call's share of a budget."""

    __tablename__ = "reservation"

    ref: str = Field(primary_key=True)  #: the call: an effect's key, or a case and its nth question
    scope: str = Field(foreign_key="budget.scope", index=True)
    amount: int = Field(sa_type=BigInteger)
    made_at: datetime = moment()
    cost: int | None = Field(default=None, sa_type=BigInteger)  #: None while it is open
    settled_at: datetime | None = moment(optional=True)


MILLIS = 1_000  #: the parts of a minor unit in which models are paid


def daily(workflow: str, what: str, day: date) -> str:
    """Name the scope of one workflow's spending on something, on one day (UTC)."""
    return f"{workflow}/{what}/{day.isoformat()}"


def reserve(
    session: Session,
    *,
    ref: str,
    scope: str,
    cap: int,
    amount: int,
    now: datetime,
    parts: int = 1,
) -> None:
    """
    Reserve an amount for one call, once for each `ref`, or raise `OverBudget`.

    A cap of zero lets nothing through, not even what is free. A lowered cap holds at once for
    what comes; it takes back nothing. `parts` is how many of the amounts make one minor unit.
    """
    if amount < 0 or cap < 0:
        raise Invalid("an amount and a cap are never below zero")
    session.execute(
        insert(Budget)
        .values(scope=scope, cap=cap, spent=0, reserved=0, beyond=0, parts=parts)
        .on_conflict_do_nothing()
    )
    budget = _locked(session, scope)
    if session.get(Reservation, ref) is not None:
        return
    if cap == 0 or budget.taken + amount > cap:
        raise OverBudget(scope, cap=cap, taken=budget.taken, asked=amount, parts=parts)
    budget.cap = max(cap, budget.spent + budget.reserved + amount)
    budget.reserved += amount
    session.add(Reservation(ref=ref, scope=scope, amount=amount, made_at=now))
    session.flush()


def settle(session: Session, ref: str, cost: int, now: datetime) -> None:
    """
    Note what a call really cost, once; nothing where nothing was reserved for it.

    What it cost above its reservation is kept apart, in `beyond`, and counts like what is spent.
    """
    call = session.get(Reservation, ref)
    if call is None:
        return
    budget = _locked(session, call.scope)
    session.refresh(call)
    if call.cost is not None:
        return
    call.cost, call.settled_at = cost, now
    budget.reserved -= call.amount
    budget.spent += min(cost, call.amount)
    budget.beyond += max(0, cost - call.amount)
    session.flush()


def budgets(session: Session) -> list[Budget]:
    """Give every budget that was ever touched, by its name."""
    return list(session.exec(select(Budget).order_by(Budget.scope)).all())


def _locked(session: Session, scope: str) -> Budget:
    return session.exec(
        select(Budget)
        .where(Budget.scope == scope)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
