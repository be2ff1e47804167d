"""Lead routing on real parts, told as the process owner would tell it."""

import pytest
from prefect.states import Scheduled

from flows.contracts.lead_routing import CONTRACT
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from rollout.answers import Answer, Proof, Reason, Verb
from rollout.authority import Arm, Authority, Exposure, Facets, Unit, place
from rollout.case import Ending
from rollout.deciding import decide_on
from rollout.decisions import Decision
from rollout.effects import State
from rollout.grants import current
from rollout.timeline import timeline
from tests.pilot import Form, Pilot, until

pytestmark = pytest.mark.system


def sample(branch: str, special: str = "") -> samples.SampleLead:
    return next(one for one in samples.leads() if one.branch == branch and one.special == special)


def decide(review: str, verb: Verb = Verb.APPROVE, **more: object) -> Decision:
    said = {"verb": verb, "by": "karim", "proof": Proof.HOST, "channel": "cli", **more}
    with transaction() as session:
        stands = decide_on(session, CONTRACT, review, Answer.model_validate(said), now())
    assert isinstance(stands, Decision)
    return stands


def arm_of(form: Form) -> Arm:
    with transaction() as session:
        grant = current(session, CONTRACT.workflow)
    return place(grant, Unit(kind="contact", id=form["contact_id"]), Facets(segment="SMB")).arm


def lead_in(pilot: Pilot, arm: Arm, which: samples.SampleLead) -> Form:
    while True:
        if arm_of(form := pilot.lead(which)) is arm:
            return form


def test_off_means_that_nobody_asks_the_agent(pilot: Pilot) -> None:
    pilot.at(Authority.OFF)
    case, ending = pilot.flown(pilot.lead())

    assert ending is Ending.STOOD_ASIDE
    assert "proposal" not in pilot.facts(case.id)


@pytest.mark.parametrize("branch", ["good", "incomplete", "enterprise", "territory-unclear"])
def test_in_shadow_nothing_is_written_exceptions_included(pilot: Pilot, branch: str) -> None:
    pilot.at(Authority.SHADOW)
    before = len(pilot.crm.writes())
    _, ending = pilot.flown(pilot.lead(sample(branch)))

    assert ending is Ending.WATCHED
    assert len(pilot.crm.writes()) == before


def test_in_shadow_the_story_is_complete(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    case, _ = pilot.flown(pilot.lead())

    assert pilot.facts(case.id) == [
        *("opened", "lead", "placement", "asked", "proposal", "ruling", "ending")
    ]


def test_a_named_account_goes_to_its_executive_by_rule(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    form = pilot.lead(sample("rule"))
    case, ending = pilot.flown(form)

    assert (ending, pilot.crm.owner_of(form["contact_id"])) == (Ending.ACTED, "7012")
    assert case.because == "reversible, no impact, and by rule: named account"
    assert "asked" not in pilot.facts(case.id)


def test_a_lead_that_has_an_owner_keeps_it(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead(sample("kept", "owned"))
    case, ending = pilot.flown(form)

    assert (ending, pilot.writes_to(form["contact_id"])) == (Ending.KEPT, [])
    assert case.because == "existing owner: mira.brandt@taxi.example"


def test_the_agents_lane_is_marked_before_its_owner_is_set(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    form = lead_in(pilot, Arm.EVERYONE, sample("good"))
    _, ending = pilot.flown(form)
    first, second = pilot.writes_to(form["contact_id"])

    assert ending is Ending.ACTED
    assert first["content"]["properties"] == {"taxiway_lane": "agent"}
    assert "hubspot_owner_id" in second["content"]["properties"]


def test_what_is_approved_is_written_once(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    decide(pilot.review(event).id)
    case = pilot.ended(event)

    assert case.ending == Ending.ACTED
    assert len(pilot.writes_to(form["contact_id"])) == 1
    assert pilot.facts(case.id).count("asked") == 1


def test_an_edit_is_what_the_crm_gets(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    review = pilot.review(event)
    other = review.choices["owner"][0]
    decide(review.id, Verb.EDIT, edit={"owner": other}, reason=Reason.CUSTOMER_CONTEXT)
    pilot.ended(event)
    owner = next(one for one in samples.crm()["owners"] if one["email"] == other)

    assert pilot.crm.owner_of(form["contact_id"]) == owner["id"]


def test_a_rejection_writes_nothing(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    decide(pilot.review(event).id, Verb.REJECT, reason=Reason.DUPLICATE)
    case = pilot.ended(event)

    assert (case.ending, case.because) == (Ending.DECLINED, "karim: duplicate")
    assert pilot.writes_to(form["contact_id"]) == []


def test_the_form_in_the_prefect_ui_decides_through_the_same_door(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    event = pilot.send(pilot.lead())
    case = pilot.case(event)
    pilot.review(event)
    submit(pilot, case.id, verb="approve", by="Sofia Lindt")
    ended = pilot.ended(event)
    with transaction() as session:
        told = [line for line in timeline(session, case.id) if line.kind == "decision"]

    assert ended.ending == Ending.ACTED
    assert [(line.who, "identity declared, by prefect-ui" in line.why) for line in told] == [
        ("sofia", True)
    ]


def test_a_form_that_cannot_stand_goes_back_to_sleep_and_says_why(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    event = pilot.send(pilot.lead())
    case = pilot.case(event)
    pilot.review(event)
    submit(pilot, case.id, verb="reject", by="sofia")

    until(lambda: pause_of(pilot, case.id) == "review-1-2", "it sleeps under the next key")
    assert pilot.case(event).ending is None
    submit(pilot, case.id, verb="reject", by="sofia", reason="other")
    assert pilot.ended(event).ending == Ending.DECLINED


@pytest.mark.ugly(33)
def test_a_run_that_is_started_without_an_answer_sleeps_again_and_is_noted(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    event = pilot.send(pilot.lead())
    case = pilot.case(event)
    review = pilot.review(event)
    run = pilot.run(case.id)
    pilot.prefect(lambda client: client.set_flow_run_state(run.id, Scheduled(), force=True))

    until(lambda: pause_of(pilot, case.id) == "review-1-2", "it sleeps under the next key")
    assert "out_of_band_resume" in pilot.facts(case.id)
    decide(review.id)
    assert pilot.ended(event).ending == Ending.ACTED


def test_a_sure_agent_acts_alone_in_its_share_and_people_keep_theirs(pilot: Pilot) -> None:
    pilot.at(Authority.LIMITED, Exposure(basis_points=4_000))
    treated = lead_in(pilot, Arm.TREATED, sample("good"))
    control = lead_in(pilot, Arm.CONTROL, sample("good"))

    assert pilot.flown(treated)[1] is Ending.ACTED
    assert pilot.flown(control)[1] is Ending.WATCHED
    assert pilot.crm.owner_of(treated["contact_id"])
    assert pilot.writes_to(control["contact_id"]) == []


def test_an_open_opportunity_is_for_a_person_even_at_full(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    event = pilot.send(pilot.lead(sample("rule", "open-deal")))
    review = pilot.review(event)
    decide(review.id)

    assert review.because == "it touches revenue"
    assert pilot.ended(event).ending == Ending.ACTED


def test_the_same_person_and_form_within_ten_minutes_is_one_case(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    form = pilot.lead()
    first = pilot.ended(pilot.send(form))
    second = pilot.case(pilot.send({**form, "submission_id": "again"}))

    assert second.id == first.id
    until(lambda: "joined" in pilot.facts(first.id), "the second one joined")


@pytest.mark.ugly(28)
def test_an_owner_whom_somebody_else_set_meanwhile_stays(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    review = pilot.review(event)
    pilot.crm.seed(
        {"contacts": [{"id": form["contact_id"], "properties": {"hubspot_owner_id": "7018"}}]}
    )
    decide(review.id)
    case = pilot.ended(event)

    assert case.ending == Ending.HANDED_OFF
    assert "changed by somebody else" in (case.because or "")
    assert pilot.crm.owner_of(form["contact_id"]) == "7018"


@pytest.mark.ugly(29)
def test_a_demotion_stops_what_was_approved_before(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    review = pilot.review(event)
    pilot.at(Authority.SHADOW)
    decide(review.id)
    case = pilot.ended(event)

    assert case.ending == Ending.HANDED_OFF
    assert {one.state for one in pilot.effects(case.id)} == {State.REFUSED}
    assert pilot.writes_to(form["contact_id"]) == []


def test_a_write_that_is_refused_goes_to_a_person_with_the_reason(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    form = lead_in(pilot, Arm.EVERYONE, sample("good"))
    path = f"/contacts/{form['contact_id']}$"
    pilot.crm.fault(do="status", method="PATCH", path=path, status=403)
    case, ending = pilot.flown(form)

    assert ending is Ending.HANDED_OFF
    assert "refused with 403" in (case.because or "")


def test_where_the_owner_cannot_be_written_the_lane_is_given_back(pilot: Pilot) -> None:
    pilot.at(Authority.FULL)
    form = lead_in(pilot, Arm.EVERYONE, sample("good"))
    contact = form["contact_id"]
    pilot.crm.fault(do="delay", method="PATCH", path=f"/contacts/{contact}$")
    pilot.crm.fault(do="status", method="PATCH", path=f"/contacts/{contact}$", status=400)
    case, ending = pilot.flown(form)
    states = {one.step: one.state for one in pilot.effects(case.id)}

    assert ending is Ending.HANDED_OFF
    assert states["lane"] == State.REVERTED
    assert (states["owner"], states["undo:lane"]) == (State.FAILED, State.DONE)
    (now_there,) = [one for one in pilot.crm.objects("contacts") if one["id"] == contact]
    assert not now_there["properties"].get("taxiway_lane")


def test_its_run_has_a_name_that_a_person_understands(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    form = pilot.lead()
    case, _ = pilot.flown(form)
    run = pilot.run(case.id)

    assert run.name.startswith(f"{case.id} {form['form_type']} ")
    assert form["email"] not in run.model_dump_json()


def submit(pilot: Pilot, case_id: str, **fields: str) -> None:
    run = pilot.run(case_id)
    answer = pilot.prefect(lambda client: client.resume_flow_run(run.id, run_input=fields))
    assert answer.status.value == "ACCEPT", answer


def pause_of(pilot: Pilot, case_id: str) -> str | None:
    state = pilot.run(case_id).state
    return state.state_details.pause_key if state and state.is_paused() else None
