"""Every decision is a case to judge an agent by, with where it comes from."""

from datetime import timedelta

import pytest
from sqlalchemy import delete
from sqlmodel import Session, col

from rollout.answers import FAULTS, Reason, Verb
from rollout.case import Case
from rollout.deciding import decide_on
from rollout.decisions import distance
from rollout.feedback import evaluation_cases, summary
from rollout.ledger import Personal
from tests.rollout.sessions import plain as session
from tests.rollout.trial import OWNERS, WHEN, a_case, a_review, action, answer, contract

__all__ = ["session"]  # a fixture


LATER = WHEN + timedelta(minutes=3)


def decided(session: Session, verb: Verb = Verb.APPROVE, **more: object) -> Case:
    case = a_case(session, AGREED)
    review = a_review(session, case)
    decide_on(session, AGREED, review.id, answer(verb, "karim", **more), LATER)
    return case


AGREED = contract()


def test_an_edit_says_what_was_right_and_whose_error_it_was(session: Session) -> None:
    edit = {"owner": OWNERS[1]}
    case = decided(session, Verb.EDIT, edit=edit, reason=Reason.STALE_DATA, looked_seconds=41.0)
    (one,) = evaluation_cases(session, AGREED.workflow)

    assert (one.case_id, one.release, one.review_id) == (case.id, "r", f"R-{case.id}-1")
    assert (one.proposed, one.wanted) == ({"owner": OWNERS[0]}, edit)
    assert (one.reason, one.fault) == ("stale_data", "data")
    assert (one.seconds_open, one.looked_seconds) == (180, 41.0)
    assert 0 < one.edit_distance < 1


def test_a_no_says_that_nothing_was_right(session: Session) -> None:
    decided(session, Verb.REJECT, reason=Reason.TONE)
    (one,) = evaluation_cases(session, AGREED.workflow)
    assert (one.wanted, one.fault) == (None, "agent")


def test_they_are_counted_and_a_yes_without_a_look_is_named(session: Session) -> None:
    decided(session, looked_seconds=0.8)
    decided(session, looked_seconds=20.0, expanded=("evidence",))
    decided(session, Verb.REJECT, reason=Reason.POLICY_GAP)
    found = summary(evaluation_cases(session, AGREED.workflow))

    assert (found.decisions, found.accepted, found.rejected, found.edited) == (3, 2, 1, 0)
    assert (found.rubber_stamps, found.faults) == (1, {"policy": 1})


def test_what_was_erased_is_no_case_any_more(session: Session) -> None:
    case = decided(session)
    session.execute(delete(Personal).where(col(Personal.case_id) == case.id))
    assert list(evaluation_cases(session, AGREED.workflow)) == []


def test_since_and_another_workflow(session: Session) -> None:
    decided(session)
    assert list(evaluation_cases(session, AGREED.workflow, since=LATER + timedelta(days=1))) == []
    assert list(evaluation_cases(session, "another")) == []


@pytest.mark.parametrize(
    ("edit", "least", "most"),
    [({}, 0, 0), ({"owner": OWNERS[1]}, 0.1, 0.9), ({"owner": "0"}, 0.9, 1)],
)
def test_the_distance_is_a_share(edit: dict[str, str], least: float, most: float) -> None:
    assert least <= distance(action(), edit) <= most


def test_every_reason_has_its_fault() -> None:
    assert {reason.fault for reason in Reason} == {"agent", "data", "process", "policy", "other"}
    assert set(FAULTS) <= set(Reason)
