"""An error that is planted is never written, and says whether people look."""

from collections.abc import Iterator

import pytest
from sqlmodel import select

from flows.contracts.lead_routing import CONTRACT
from integrations import samples
from integrations.database import transaction
from rollout.answers import Answer, Proof, Reason, Verb
from rollout.authority import Authority
from rollout.brief import brief_of
from rollout.buckets import BUCKETS
from rollout.case import Ending, Proposal, find_case
from rollout.compared import ComparedRow
from rollout.feedback import evaluation_cases
from rollout.ledger import Entry, recall
from rollout.planted import PLANTED, TOLD
from rollout.reviews import ReviewRow
from rollout.rights import Ruling
from tasks.decisions import take_answer
from tests.pilot import Form, Pilot, until

pytestmark = pytest.mark.system


@pytest.fixture
def asked(pilot: Pilot) -> Iterator[tuple[Form, str, ReviewRow]]:
    """A lead whose reviewer is shown an error first."""
    pilot.at(Authority.RECOMMEND, planted=BUCKETS)
    form = pilot.lead()
    event = pilot.send(form)
    yield form, event, pilot.review(event)
    pilot.at(Authority.RECOMMEND)


def said(review: ReviewRow, verb: Verb, **more: object) -> None:
    words = {"verb": verb, "by": "karim", "proof": Proof.HOST, "channel": "cli", **more}
    take_answer(CONTRACT, review.id, Answer.model_validate(words))


def owner_in(review: ReviewRow, step: str) -> str:
    with transaction() as session:
        proposal = recall(session, review.case_id, step, Proposal)
    assert proposal is not None
    return proposal.action.arguments["owner"]


def number_of(email: str) -> str:
    return next(str(one["id"]) for one in samples.crm()["owners"] if one["email"] == email)


def noted(case_id: str) -> list[bool]:
    wanted = select(Entry).where(Entry.case_id == case_id, Entry.kind == PLANTED)
    with transaction() as session:
        return [bool(one.fields["found"]) for one in session.exec(wanted).all()]


def second(review: ReviewRow) -> ReviewRow:
    def there() -> ReviewRow | None:
        with transaction() as session:
            return session.get(ReviewRow, f"R-{review.case_id}-2")

    return until(there, "the question about the real proposal")


def told(review: ReviewRow) -> str:
    """What stands above the second question, in every door."""
    with transaction() as session:
        proposal = recall(session, review.case_id, review.step, Proposal)
        ruling = recall(session, review.case_id, "ruling-2", Ruling)
        label = find_case(session, review.case_id).label
    assert proposal is not None
    assert ruling is not None
    return " ".join(brief_of(CONTRACT, review, proposal, ruling, label).because)


def test_a_yes_to_it_writes_nothing_and_the_real_one_is_asked_about(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow]
) -> None:
    form, event, review = asked
    wrong, real = owner_in(review, review.step), owner_in(review, "proposal-1")
    assert wrong != real
    assert wrong not in review.choices["owner"]
    said(review, Verb.APPROVE)
    again = second(review)
    assert pilot.writes_to(form["contact_id"]) == []
    assert (owner_in(again, again.step), TOLD in told(again)) == (real, True)
    said(again, Verb.APPROVE)
    assert pilot.ended(event).ending == Ending.ACTED
    assert pilot.crm.owner_of(form["contact_id"]) == number_of(real)
    assert noted(review.case_id) == [False]
    with transaction() as session:
        decided = [
            one
            for one in evaluation_cases(session, CONTRACT.workflow)
            if one.case_id == review.case_id
        ]
        compared = select(ComparedRow).where(ComparedRow.case_id == review.case_id)
        assert session.exec(compared).all() == []  # it says something about people only
    assert [one.proposed["owner"] for one in decided] == [real]


def test_who_puts_another_in_its_place_has_found_it(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow]
) -> None:
    form, event, review = asked
    own = review.choices["owner"][0]
    said(review, Verb.EDIT, edit={"owner": own}, reason=Reason.WRONG_DECISION)
    assert pilot.ended(event).ending == Ending.ACTED
    assert pilot.crm.owner_of(form["contact_id"]) == number_of(own)
    assert noted(review.case_id) == [True]


def test_who_refuses_it_is_asked_about_the_real_one(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow]
) -> None:
    _, event, review = asked
    said(review, Verb.REJECT, reason=Reason.WRONG_DECISION)
    said(second(review), Verb.EDIT, edit={"owner": _other(review)}, reason=Reason.OTHER)
    assert pilot.ended(event).ending == Ending.ACTED
    assert noted(review.case_id) == [True]


def _other(review: ReviewRow) -> str:
    real = owner_in(review, "proposal-1")
    return next(str(one) for one in review.choices["owner"] if one != real)
