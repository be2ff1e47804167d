"""A question that nobody answers is handed on, expires, and races its answer once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from integrations.database import transaction
from rollout.authority import Authority
from rollout.case import Case
from rollout.contract import Contract
from rollout.deadlines import Deadline, Kind, State, What, pass_due
from rollout.deciding import decide, record_try
from rollout.errors import TooLate
from rollout.inbox import Errand
from rollout.reviews import ReviewRow, Status
from tests.rollout.test_deadlines import actors, apart, ask, case, hand_off, happened, session, utc
from tests.rollout.trial import a_case, a_review, answer, contract, proposal

__all__ = ["apart", "case", "session"]  # fixtures


def test_a_question_that_nobody_answers_is_handed_on_and_expires(
    session: Session, case: Case
) -> None:
    review = ask(session, case, utc(2026, 11, 2, 8))
    pass_due(session, utc(2026, 11, 2, 12))
    session.refresh(review)
    assert (review.group, review.status) == ("account-lead", Status.OPEN)

    pass_due(session, utc(2026, 11, 4))
    session.refresh(review)
    woken = session.exec(select(Errand).where(Errand.dedupe == f"wake:{review.id}")).all()
    assert (review.status, len(woken)) == (Status.EXPIRED, 1)
    assert [kind for kind, _ in actors(session, case)] == ["proposal", "hand_on", "run_out"]


@pytest.mark.ugly(19)
def test_a_late_answer_is_told_so_and_kept_as_late(session: Session, case: Case) -> None:
    review = ask(session, case, utc(2026, 11, 2, 8))
    pass_due(session, utc(2026, 11, 4))
    late = answer()
    with pytest.raises(TooLate, match="expired at 2026-11-04 00:00:00 UTC"):
        decide(session, case.contract, review.id, late, proposal(), utc(2026, 11, 5))
    record_try(session, review.id, late, utc(2026, 11, 5))

    assert actors(session, case)[-1] == ("late_answer", "karim")
    assert review.status == Status.EXPIRED


def test_a_decided_question_has_no_deadline_any_more(session: Session, case: Case) -> None:
    review = ask(session, case, utc(2026, 11, 2, 8))
    decide(session, case.contract, review.id, answer(), proposal(), utc(2026, 11, 2, 9))

    assert pass_due(session, utc(2026, 11, 9)) == 0
    assert {state for _, _, state in happened(session, review.id)} == {State.MOOT}


@pytest.mark.ugly(20)
def test_an_answer_and_the_clock_at_the_same_moment_one_of_them_wins(apart: None) -> None:
    """At the deadline, both ways: never both, never neither."""
    del apart
    agreed = contract()
    ends = {race(agreed, clock_first=n % 2 == 0) for n in range(100)}

    assert ends <= {(Status.APPROVED, "decided"), (Status.EXPIRED, "too late")}


def race(agreed: Contract, *, clock_first: bool) -> tuple[str, str]:
    """Let an answer and the clock start together; give how the review stands, and what was told."""
    review_id, now = _open_and_due(agreed)
    ready, told = threading.Barrier(2), []

    def vote() -> None:
        ready.wait()
        try:
            with transaction() as session:
                decide(session, agreed, review_id, answer(), proposal(), now)
            told.append("decided")
        except TooLate:
            told.append("too late")

    def tick() -> None:
        ready.wait()
        with transaction() as session:
            pass_due(session, now)

    acts = (tick, vote) if clock_first else (vote, tick)
    threads = [threading.Thread(target=one) for one in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with transaction() as session:
        return session.get_one(ReviewRow, review_id).status, told[0]


def _open_and_due(agreed: Contract) -> tuple[str, datetime]:
    now = datetime.now(UTC)
    with transaction() as session:
        case = a_case(session, agreed)
        review = a_review(session, case)
        session.add(
            Deadline(
                kind=Kind.REVIEW,
                ref=review.id,
                case_id=case.id,
                workflow=case.workflow,
                what=What.RUN_OUT,
                to="vp-cs",
                at=now - timedelta(milliseconds=1),
            )
        )
    return review.id, now


def test_two_clocks_let_each_deadline_pass_once(apart: None) -> None:
    del apart
    with transaction() as session:
        agreed = contract()
        cases = [a_case(session, agreed, Authority.RECOMMEND) for _ in range(20)]
        for case in cases:
            hand_off(session, case, utc(2026, 11, 2, 9))

    def tick() -> None:
        with transaction() as session:
            pass_due(session, utc(2026, 12, 1))

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    tick()

    with transaction() as session:
        for case in cases:
            assert [kind for kind, _ in actors(session, case)] == ["hand_on", "run_out"]
