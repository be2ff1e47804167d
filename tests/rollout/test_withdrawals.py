"""Questions that nobody has to answer any more are withdrawn, and whoever was asked is told."""

import pytest
from sqlmodel import Session, select

from rollout.authority import Authority
from rollout.case import Case, Ending, close_row
from rollout.deciding import decide_on
from rollout.errors import Conflict
from rollout.grants import change, revive
from rollout.halts import halt
from rollout.inbox import Errand
from rollout.ledger import Entry
from rollout.notices import Event, waiting
from rollout.reviews import ReviewRow, Status
from rollout.withdrawals import withdraw_abandoned, withdraw_lowered
from tests.rollout.sessions import plain as session
from tests.rollout.test_effects import climb
from tests.rollout.trial import WHEN, a_case, a_review, answer, contract

__all__ = ["session"]  # a fixture


@pytest.fixture
def case(session: Session) -> Case:
    agreed = contract()
    climb(session, agreed, Authority.RECOMMEND)
    return a_case(session, agreed, Authority.RECOMMEND)


@pytest.fixture
def review(session: Session, case: Case) -> ReviewRow:
    return a_review(session, case)


def test_a_lowered_stage_withdraws_what_waits(
    session: Session, case: Case, review: ReviewRow
) -> None:
    assert withdraw_lowered(session, [case.contract], WHEN) == 0
    change(session, case.contract, Authority.SHADOW, by="ann", because="harm", now=WHEN)
    assert withdraw_lowered(session, [case.contract], WHEN) == 1
    assert withdraw_lowered(session, [case.contract], WHEN) == 0
    session.refresh(review)

    assert review.status == Status.WITHDRAWN
    (told,) = [one for one in waiting(session) if one.case_id == case.id]
    assert (told.event, told.to) == (Event.WITHDRAWN, "sales-desk")
    errand = session.exec(select(Errand).where(Errand.dedupe == f"wake:{review.id}")).one()
    assert errand.payload["flow_run_id"] == review.flow_run_id
    assert session.exec(
        select(Entry.kind).where(Entry.case_id == case.id, Entry.kind == "withdrawn")
    ).all() == ["withdrawn"]
    with pytest.raises(Conflict, match="nothing left to decide"):
        decide_on(session, case.contract, review.id, answer(), WHEN)


def test_a_stop_withdraws_nothing_and_its_revival_does(
    session: Session, case: Case, review: ReviewRow
) -> None:
    halt(session, case.workflow, by="kim", because="harm", now=WHEN)
    assert withdraw_lowered(session, [case.contract], WHEN) == 0
    revive(session, [case.contract], case.workflow, by="lee", because="mended", now=WHEN)
    assert withdraw_lowered(session, [case.contract], WHEN) == 1
    session.refresh(review)
    assert review.status == Status.WITHDRAWN


def test_what_was_decided_stays_decided(session: Session, case: Case, review: ReviewRow) -> None:
    decide_on(session, case.contract, review.id, answer(), WHEN)
    change(session, case.contract, Authority.OFF, by="ann", because="harm", now=WHEN)
    assert withdraw_lowered(session, [case.contract], WHEN) == 0
    session.refresh(review)
    assert review.status == Status.APPROVED


def test_an_ended_case_withdraws_its_question(
    session: Session, case: Case, review: ReviewRow
) -> None:
    close_row(session, case.id, Ending.GONE, "deleted", WHEN)
    withdraw_abandoned(session, WHEN)
    session.refresh(review)
    assert review.status == Status.WITHDRAWN
