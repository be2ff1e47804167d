"""A share of what people decide is decided before the proposal is shown, in every door."""

import pytest
from sqlmodel import select

from flows.contracts.lead_routing import CONTRACT
from integrations import samples
from integrations.database import transaction
from rollout.answers import Answer, Proof, Verb
from rollout.authority import Authority
from rollout.buckets import BUCKETS
from rollout.case import Ending, Proposal
from rollout.compared import ComparedRow
from rollout.errors import Invalid
from rollout.ledger import recall
from rollout.reviews import ReviewRow
from tasks.decisions import take_answer
from tests.pilot import Form, Pilot

pytestmark = pytest.mark.system


@pytest.fixture
def asked(pilot: Pilot) -> tuple[Form, str, ReviewRow]:
    pilot.at(Authority.RECOMMEND, blind=BUCKETS)
    form = pilot.lead()
    event = pilot.send(form)
    return form, event, pilot.review(event)


def said(review: ReviewRow, verb: Verb, **more: object) -> None:
    words = {"verb": verb, "by": "karim", "proof": Proof.HOST, "channel": "cli", **more}
    take_answer(CONTRACT, review.id, Answer.model_validate(words))


def proposed(review: ReviewRow) -> str:
    with transaction() as session:
        proposal = recall(session, review.case_id, "proposal-1", Proposal)
    assert proposal is not None
    return proposal.action.arguments["owner"]


def test_what_a_person_says_is_written_and_compared(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow]
) -> None:
    form, event, review = asked
    other = next(one for one in review.choices["owner"] if one != proposed(review))
    with pytest.raises(Invalid, match="before the proposal is shown"):
        said(review, Verb.APPROVE, comment="seen")
    said(review, Verb.EDIT, edit={"owner": other})
    case = pilot.ended(event)
    owner = next(one for one in samples.crm()["owners"] if one["email"] == other)

    assert case.ending == Ending.ACTED
    assert pilot.crm.owner_of(form["contact_id"]) == owner["id"]
    with transaction() as session:
        row = session.exec(select(ComparedRow).where(ComparedRow.case_id == case.id)).one()
    assert (row.blind, row.verdict, row.source) == ("yes", "different", "review")


def test_the_form_in_the_prefect_ui_shows_nothing_of_it(
    pilot: Pilot, asked: tuple[Form, str, ReviewRow]
) -> None:
    _, event, review = asked
    run = pilot.run(review.case_id)
    assert run.state is not None
    keys = run.state.state_details.run_input_keyset or {}
    schema = str(pilot.prefect(lambda client: client.read_flow_run_input(run.id, keys["schema"])))
    about = str(
        pilot.prefect(lambda client: client.read_flow_run_input(run.id, keys["description"]))
    )
    assert "approve" not in schema
    assert '"default":"choose"' in schema
    assert proposed(review) not in about
    said(review, Verb.EDIT, edit={"owner": proposed(review)})
    assert pilot.ended(event).ending == Ending.ACTED
