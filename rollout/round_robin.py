"""
Whose turn it is on a team: weighted, within capacity, never somebody who is away.

Smooth weighted round robin: at each turn everybody available gains their weight in credit, the
one with the most takes the turn and pays the sum of all weights. Who is away gains nothing, and
so is not flooded on return. A case that ends another way gives its turn back before the next
one is given. The team's lock makes a turn atomic.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Date, func, text
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.case import CaseRow, Ending
from rollout.columns import moment
from rollout.territories import RosterRow, is_away


class Credit(SQLModel, table=True):
    """Where one person stands in the rounds of a team."""

    __tablename__ = "credit"

    team: str = Field(primary_key=True)
    owner_email: str = Field(primary_key=True)
    credit: int = 0


class Turn(SQLModel, table=True):
    """A lead that is, or was, somebody's turn."""

    __tablename__ = "turn"

    case_id: str = Field(primary_key=True)
    team: str = Field(index=True)
    owner_email: str
    day: date = Field(sa_type=Date, index=True)
    paid: int  #: the credit it cost
    at: datetime = moment()
    given_back: bool = False


def available(
    session: Session, team: str, seats: Sequence[RosterRow], day: date
) -> list[RosterRow]:
    """Give who can take a lead today: neither away nor at their cap."""
    taken = taken_on(session, team, day)
    return [
        seat
        for seat in seats
        if not is_away(seat.away, day)
        and (seat.daily_cap is None or taken[seat.owner_email] < seat.daily_cap)
    ]


def taken_on(session: Session, team: str, day: date) -> Counter[str]:
    """Count the turns of a day by person; a case that ended another way does not count."""
    rows = session.exec(
        select(Turn.owner_email, func.count())
        .join(CaseRow, col(CaseRow.id) == col(Turn.case_id))
        .where(Turn.team == team, Turn.day == day, _counts())
        .group_by(col(Turn.owner_email))
    ).all()
    return Counter(dict(rows))


def take_turn(
    session: Session, case_id: str, team: str, seats: Sequence[RosterRow], day: date, now: datetime
) -> Turn | None:
    """Give a case somebody's turn, once; None where nobody is available."""
    _lock(session, team)
    if stands := session.get(Turn, case_id):
        return stands
    _give_back(session, team)
    able = available(session, team, seats, day)
    if not able:
        return None
    standing = {row.owner_email: row for row in _credits(session, team, able)}
    for seat in able:
        standing[seat.owner_email].credit += seat.weight
    first = min(able, key=lambda seat: (-standing[seat.owner_email].credit, seat.owner_email))
    turn = Turn(
        case_id=case_id,
        team=team,
        owner_email=first.owner_email,
        day=day,
        paid=sum(seat.weight for seat in able),
        at=now,
    )
    standing[first.owner_email].credit -= turn.paid
    session.add(turn)
    session.flush()
    return turn


def pass_turn(session: Session, case_id: str, owner_email: str) -> None:
    """Let somebody else have a case's turn: whoever gets the lead pays for it."""
    turn = session.get(Turn, case_id)
    if turn is None or turn.owner_email == owner_email:
        return
    _lock(session, turn.team)
    session.refresh(turn)
    seats = [turn.owner_email, owner_email]
    standing = {row.owner_email: row for row in _known(session, turn.team, seats)}
    standing[turn.owner_email].credit += turn.paid
    standing[owner_email].credit -= turn.paid
    turn.owner_email = owner_email
    session.flush()


def _counts() -> bool:
    counts: bool = col(CaseRow.ending).is_(None) | (col(CaseRow.ending) == Ending.ACTED)  # type: ignore[assignment] # an expression
    return counts


def _give_back(session: Session, team: str) -> None:
    lost = session.exec(
        select(Turn)
        .join(CaseRow, col(CaseRow.id) == col(Turn.case_id))
        .where(
            Turn.team == team,
            col(Turn.given_back).is_(False),
            col(CaseRow.ending).is_not(None),
            CaseRow.ending != Ending.ACTED,
        )
    ).all()
    for turn in lost:
        (row,) = _known(session, team, [turn.owner_email])
        row.credit += turn.paid
        turn.given_back = True
    session.flush()


def _credits(session: Session, team: str, seats: Sequence[RosterRow]) -> list[Credit]:
    return _known(session, team, [seat.owner_email for seat in seats])


def _known(session: Session, team: str, people: Sequence[str]) -> list[Credit]:
    rows = []
    for person in people:
        row = session.get(Credit, (team, person))
        if row is None:
            row = Credit(team=team, owner_email=person)
            session.add(row)
        rows.append(row)
    session.flush()
    return rows


def _lock(session: Session, team: str) -> None:
    session.execute(text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": f"team:{team}"})
