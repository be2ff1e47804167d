"""Work that passes to another agent's workflow, and comes back where that cannot take it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from rollout.business_time import Business
from rollout.case import Case, Ending, close_row, open_row
from rollout.contract import Contract, Handoff, Leg
from rollout.deadlines import Deadline, Kind, Line, What, plan
from rollout.handoffs import HandoffRow, Offered, offer
from rollout.handovers import follow_up, pass_on
from rollout.holes import holes
from rollout.inbox import Arrival, envelope
from rollout.people import Directory
from tests.rollout.sessions import plain as session
from tests.rollout.trial import WHEN, a_case, contract

__all__ = ["session"]  # a fixture


TO = "pricing"
NAME = "needs-a-price"


def handoff() -> Handoff:
    return Handoff(
        name=NAME,
        when="x",
        to=TO,
        decide="a price",
        within=Business(hours=4),
        otherwise="sales-ops",
        starts="quote.submitted",
    )


@pytest.fixture
def given(session: Session) -> HandoffRow:
    """A handoff to another workflow, with its deadlines and its event."""
    case = a_case(session, contract())
    ref = f"{case.id}/{NAME}"
    offered = Offered(
        name=NAME, to=TO, decide="a price", because="x", otherwise="sales-ops", due_at=WHEN
    )
    offer(session, case.workflow, case.id, handoff(), offered, WHEN)
    plan(
        session,
        Directory({}, {}),
        Line((Leg(TO, Business(hours=4)),), "sales-ops"),
        kind=Kind.HANDOFF,
        ref=ref,
        case_id=case.id,
        workflow=case.workflow,
        start=WHEN,
    )
    for _ in range(2):  # once, however often a run is started again
        pass_on(session, ref=ref, workflow=TO, event="quote.submitted", data={"id": "7"}, now=WHEN)
    return session.get_one(HandoffRow, (case.id, NAME))


def theirs(session: Session, given: HandoffRow) -> str:
    """Let the other workflow open its case."""
    arrival = session.exec(select(Arrival).where(Arrival.ext_id == f"{given.case_id}/{NAME}")).one()
    assert envelope(arrival) == {"type": "quote.submitted", "data": {"id": "7"}}
    row = open_row(
        session,
        prefix="P",
        workflow=TO,
        version="1",
        dedupe=arrival.id,
        inbox_id=arrival.id,
        now=WHEN,
    )
    arrival.case_id = row.id
    session.add(arrival)
    session.flush()
    return row.id


def test_it_is_offered_accepted_and_done_with_the_other_case(
    session: Session, given: HandoffRow
) -> None:
    assert (follow_up(session, [TO], WHEN), given.state) == (0, "offered")
    case_id = theirs(session, given)
    assert (follow_up(session, [TO], WHEN), given.state) == (1, "accepted")
    assert given.accepted_by == case_id
    close_row(session, case_id, Ending.ACTED, "priced", WHEN)
    assert (follow_up(session, [TO], WHEN), given.state) == (1, "done")
    assert (follow_up(session, [TO], WHEN), given.ended_by) == (0, case_id)


@pytest.mark.parametrize("ending", [Ending.STOOD_ASIDE, Ending.WATCHED, Ending.GONE])
def test_where_that_agent_may_not_act_it_falls_back_at_once(
    session: Session, given: HandoffRow, ending: Ending
) -> None:
    close_row(session, theirs(session, given), ending, "it is off", WHEN)
    later = WHEN + timedelta(minutes=2)
    assert follow_up(session, [TO], later) == 1
    assert follow_up(session, [TO], later) == 0
    (end,) = session.exec(
        select(Deadline).where(Deadline.case_id == given.case_id, Deadline.what == What.RUN_OUT)
    ).all()
    assert (end.at, end.to) == (later, "sales-ops")


def test_a_system_may_only_be_called_where_the_contract_says_so() -> None:
    agreed: Contract = contract()
    calling = replace(handoff(), starts="", calls="erp")
    found = holes(replace(agreed, exceptions=(*agreed.exceptions, calling)))
    assert f"exception {NAME}: may not call erp (system.erp)" in found


def test_without_an_event_there_is_nothing_to_follow(session: Session) -> None:
    case: Case = a_case(session, contract())
    assert case.id
    assert follow_up(session, ["nobody"], WHEN) == 0
