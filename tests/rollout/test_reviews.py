"""One door for every answer: the first one stands, and the second learns whose it was."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from integrations.database import transaction
from rollout.answers import Answer, Proof, Reason, Verb
from rollout.deciding import decide_on
from rollout.decisions import Decision, edited
from rollout.errors import AlreadyDecided, Conflict, Invalid, Unknown
from rollout.inbox import Errand
from rollout.reviews import ReviewRow, Status, find_review
from tests.rollout.trial import OWNERS, WHEN, a_case, a_review, action, answer, contract, proposal

LATER = WHEN + timedelta(seconds=30)
AGREED = contract()


@pytest.fixture
def review(database: str) -> ReviewRow:
    del database
    with transaction() as session:
        return a_review(session, a_case(session, AGREED))


def give(review: ReviewRow, said: Answer) -> Decision:
    with transaction() as session:
        stands = decide_on(session, AGREED, review.id, said, LATER)
    assert isinstance(stands, Decision)
    return stands


def status(review: ReviewRow) -> str:
    with transaction() as session:
        return find_review(session, review.id).status


def test_an_approval_is_bound_to_the_action(review: ReviewRow) -> None:
    decision = give(review, answer())

    assert decision.approved_hash == action().hash
    assert (decision.by, decision.proof, decision.seconds_open) == ("karim", "host", 30)
    assert status(review) == Status.APPROVED


def test_a_decision_asks_for_its_run_to_be_woken(review: ReviewRow) -> None:
    give(review, answer())

    with transaction() as session:
        errand = session.exec(select(Errand).where(Errand.dedupe == f"wake:{review.id}")).one()
    assert errand.payload["flow_run_id"] == review.flow_run_id


def test_an_edit_is_a_new_action_and_a_new_revision(review: ReviewRow) -> None:
    said = answer(Verb.EDIT, edit={"owner": OWNERS[1]}, reason=Reason.CUSTOMER_CONTEXT)
    decision = give(review, said)
    changed = decision.applied_to(proposal())

    assert decision.approved_hash == edited(action(), {"owner": OWNERS[1]}).hash
    assert (changed.revision, changed.action.arguments["owner"]) == (2, OWNERS[1])


@pytest.mark.ugly(21)
def test_the_second_person_learns_who_decided_what(review: ReviewRow) -> None:
    give(review, answer())

    with pytest.raises(AlreadyDecided, match="approve by karim at 2026-11-02 09:00:30"):
        give(review, answer(Verb.REJECT, "sofia", reason=Reason.OTHER))
    assert status(review) == Status.APPROVED


@pytest.mark.ugly(22)
def test_a_double_click_is_one_decision(review: ReviewRow) -> None:
    assert give(review, answer()) == give(review, answer())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answer(by=" "), "needs a person"),
        (answer(Verb.REJECT), "needs a reason"),
        (answer(Verb.EDIT, reason=Reason.OTHER), "an edit changes something"),
        (
            answer(Verb.EDIT, edit={"owner": "nobody@x.example"}, reason=Reason.OTHER),
            "owner cannot be 'nobody@x.example'; known: mira@x.example, jonas@x.example",
        ),
        (answer(Verb.EDIT, edit={"stage": "won"}, reason=Reason.OTHER), "stage cannot be edited"),
        (answer(Verb.EDIT, edit={"owner": OWNERS[0]}, reason=Reason.OTHER), "changes nothing"),
        (answer(edit={"owner": OWNERS[1]}), "approve takes no changes"),
    ],
    ids=["nobody", "no reason", "no change", "unknown owner", "field", "same", "approve+edit"],
)
def test_an_answer_that_cannot_stand_changes_nothing(
    review: ReviewRow, said: Answer, words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        give(review, said)
    assert status(review) == Status.OPEN


def test_where_proof_is_needed_a_declared_name_is_not_enough(review: ReviewRow) -> None:
    strict = replace(AGREED, proof="host")

    with transaction() as session, pytest.raises(Invalid, match="only declared"):
        decide_on(session, strict, review.id, answer(proof=Proof.DECLARED), LATER)
    assert status(review) == Status.OPEN


def test_who_saw_another_action_is_asked_to_look_again(review: ReviewRow) -> None:
    with pytest.raises(Conflict, match="another action"):
        give(review, answer(action_hash="0" * 64))


def test_what_was_withdrawn_cannot_be_decided(review: ReviewRow) -> None:
    with transaction() as session:
        found = find_review(session, review.id)
        found.status = Status.WITHDRAWN
        session.add(found)

    with pytest.raises(Conflict, match="nothing left to decide"):
        give(review, answer())


def test_an_unknown_review_is_told(database: str) -> None:
    del database
    with transaction() as session, pytest.raises(Unknown, match="`taxiway reviews` lists"):
        find_review(session, "R-L-0-1")
