"""How much waits, how fast it is decided, and what that means before the weekend."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from rollout.backlog import PER_PERSON, backlog_of, is_last_of_the_week
from rollout.business_time import Calendar
from rollout.case import Case
from rollout.people import Directory, Group
from rollout.reviews import ReviewRow, Status
from tests.rollout.sessions import plain as session
from tests.rollout.trial import a_case, contract

__all__ = ["session"]  # a fixture


FRIDAY = datetime(2026, 11, 6, 13, tzinfo=UTC)
OFFICE = Calendar()  # 9 to 17 UTC, Monday to Friday
NOBODY = Directory({}, {"desk": Group("desk", ("ann",), OFFICE)})


@pytest.fixture
def case(session: Session) -> Case:
    return a_case(session, contract())


def reviews(
    session: Session,
    case: Case,
    n: int,
    *,
    start: int = 1,
    due: timedelta = timedelta(hours=2),
    closed: bool = False,
) -> None:
    for nth in range(start, start + n):
        session.add(
            ReviewRow(
                id=f"R-{case.id}-{nth}",
                case_id=case.id,
                workflow=case.workflow,
                nth=nth,
                step="proposal-1",
                action_hash="x",
                group="desk",
                because="x",
                choices={},
                status=Status.APPROVED if closed else Status.OPEN,
                opened_at=FRIDAY - timedelta(days=1),
                due_at=FRIDAY + due,
                closed_at=FRIDAY - timedelta(hours=1) if closed else None,
            )
        )
    session.flush()


def test_an_empty_queue_is_clear(session: Session) -> None:
    found = backlog_of(session, NOBODY, "desk", FRIDAY)
    assert (found.waiting, found.clear_at, found.before_weekend) == (0, None, 0)
    assert not found.is_measured


def test_the_pace_is_what_was_decided_by_open_hour(session: Session, case: Case) -> None:
    reviews(session, case, 152, closed=True)  # two weeks of 80 open hours, less four today
    reviews(session, case, 8, start=200)
    found = backlog_of(session, NOBODY, "desk", FRIDAY)

    assert found.is_measured
    assert found.decide_per_hour == pytest.approx(152 / 80)
    assert found.arrive_per_hour == pytest.approx(160 / 80)
    assert found.grows
    assert found.clear_at == datetime(2026, 11, 9, 9, 13, tzinfo=UTC)  # 8 / 1.9 h, past 17:00
    assert found.before_weekend == 1
    assert found.will_be_late == 5  # at 1.9 an hour, three are decided within two hours


def test_without_a_past_it_is_a_guess_by_heads(session: Session, case: Case) -> None:
    reviews(session, case, 20)
    found = backlog_of(session, NOBODY, "desk", FRIDAY)
    assert found.decide_per_hour == PER_PERSON
    assert found.before_weekend == 4


def test_what_is_overdue_is_counted(session: Session, case: Case) -> None:
    reviews(session, case, 3, due=-timedelta(hours=1))
    found = backlog_of(session, NOBODY, "desk", FRIDAY)
    assert (found.overdue, found.will_be_late) == (3, 3)


@pytest.mark.parametrize(
    ("day", "last"),
    [(5, False), (6, True), (7, False), (8, False)],
    ids=["Thursday", "Friday", "Saturday", "Sunday"],
)
def test_the_warning_is_for_the_last_day_before_a_pause(day: int, *, last: bool) -> None:
    assert is_last_of_the_week(OFFICE, FRIDAY.replace(day=day)) is last


def test_the_day_before_a_holiday_counts_too() -> None:
    eve = datetime(2026, 12, 24, 10, tzinfo=UTC)
    assert is_last_of_the_week(Calendar(holidays="DE-BE"), eve)
    assert not is_last_of_the_week(Calendar(), eve)
