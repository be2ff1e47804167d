"""A large renewal is several people's word; a question of it can be withdrawn or handed on."""

import asyncio

import pytest

from flows.contracts.renewal_risk import CONTRACT
from flows.operations.watch import look_over
from integrations.database import transaction
from rollout.answers import Answer, Proof, Reason, Verb
from rollout.authority import Authority
from rollout.case import Ending
from rollout.errors import Conflict, NotYours
from rollout.reviews import ReviewRow
from tasks.decisions import Taken, take_answer
from tests.flows.test_lead_routing import submit
from tests.flows.test_renewal_risk import TOLD, changed, customer, handoff, tasks_on
from tests.pilot import Pilot, until
from tests.staff import staff

__all__ = ["staff"]  # a fixture

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("staff")]


def say(review: ReviewRow, by: str, verb: Verb = Verb.APPROVE, **more: object) -> Taken:
    said = {"verb": verb, "by": by, "proof": Proof.HOST, "channel": "cli", **more}
    return take_answer(CONTRACT, review.id, Answer.model_validate(said))


def test_a_large_renewal_takes_two_people_and_a_change_of_it_two_again(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND, agreed=CONTRACT)
    number = customer(pilot, "Nordwind Reederei")
    event = changed(pilot, number)
    first = pilot.review(event)

    assert first.group == "csm"
    assert say(first, "olga").words.endswith("account-lead must say so too.")
    with pytest.raises(NotYours, match="sofia is not one of account-lead"):
        say(first, "sofia")
    change = say(first, "jule", Verb.EDIT, edit={"risk": "medium"}, reason=Reason.OTHER)
    assert "needs the word of csm and account-lead" in change.words

    again = until(lambda: opened(first.case_id, 2), "the change is asked about")
    until(lambda: pilot.state_of(first.case_id) == "PAUSED", "it sleeps again")
    with pytest.raises(NotYours, match="jule made this change"):
        say(again, "jule")
    say(again, "olga")
    assert not tasks_on(pilot, number)
    say(again, "Amir Nasser")
    case = pilot.ended(event)
    (mark,) = [one for one in pilot.effects(case.id) if one.step == "risk"]

    assert case.ending == Ending.HANDED_OFF
    assert (mark.changes, mark.state, mark.nth) == ({"risk": "medium"}, "done", 2)
    assert pilot.facts(case.id).count("refused_answer") == 2


def opened(case_id: str, nth: int) -> ReviewRow | None:
    with transaction() as session:
        return session.get(ReviewRow, f"R-{case_id}-{nth}")


@pytest.mark.ugly(29)
def test_a_question_is_withdrawn_with_its_stage_and_the_case_goes_to_a_person(
    pilot: Pilot,
) -> None:
    pilot.at(Authority.RECOMMEND, agreed=CONTRACT)
    number = customer(pilot)
    event = changed(pilot, number)
    review = pilot.review(event)
    pilot.at(Authority.SHADOW, agreed=CONTRACT)
    with pilot.without_watch():
        asyncio.run(look_over(TOLD))
    case = pilot.ended(event)

    assert case.ending == Ending.HANDED_OFF
    assert handoff(case, "unanswered").receiver == "amir"
    assert "the stage was lowered" in (case.because or "")
    assert not tasks_on(pilot, number)  # in shadow nothing is written, not even that
    with pytest.raises(Conflict, match="withdrawn: there is nothing left to decide"):
        say(review, "olga")


def test_escalating_in_the_form_hands_it_on(
    pilot: Pilot,
) -> None:
    pilot.at(Authority.RECOMMEND, agreed=CONTRACT)
    number = customer(pilot)
    event = changed(pilot, number)
    review = pilot.review(event)
    submit(pilot, review.case_id, verb="escalate", by="Olga Stern")
    until(lambda: group_of(review) == "account-lead", "the account lead has it")
    until(lambda: pilot.state_of(review.case_id) == "PAUSED", "it sleeps again")
    say(review, "amir")

    assert pilot.ended(event).ending == Ending.HANDED_OFF
    assert pilot.facts(review.case_id).count("escalated") == 1


def group_of(review: ReviewRow) -> str:
    with transaction() as session:
        return session.get_one(ReviewRow, review.id).group
