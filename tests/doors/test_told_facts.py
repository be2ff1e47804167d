"""Word of other systems about known cases: taken at once, once, and told what is wrong."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from flows.contracts.lead_routing import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Authority
from rollout.compared import ComparedRow
from rollout.inbox import Arrival
from rollout.outcomes import OutcomeRow
from tests.pilot import Pilot

pytestmark = pytest.mark.system


def tell(pilot: Pilot, event: str, **data: object) -> tuple[int, Any]:
    words = {"workflow": CONTRACT.workflow, "at": now().isoformat(), **data}
    body = {"type": event, "timestamp": now().isoformat(), "data": words}
    answer = pilot.post(json.dumps(body).encode())
    return answer.status_code, answer.json()


@pytest.fixture
def case(pilot: Pilot) -> str:
    """A case that the agent watched."""
    pilot.at(Authority.SHADOW)
    found, _ = pilot.flown(pilot.lead())
    return found.id


def test_what_a_person_decided_is_compared(pilot: Pilot, case: str) -> None:
    said = {"case": case, "answer": {"owner": "nobody@taxi.example"}, "by": "karim"}
    assert tell(pilot, "decision.recorded", **said)[0] == 202
    assert tell(pilot, "decision.recorded", **said)[0] == 202  # again: nothing changes
    with transaction() as session:
        rows = session.exec(select(ComparedRow).where(ComparedRow.case_id == case)).all()
    assert [(row.verdict, row.source) for row in rows] == [("different", "webhook")]


def test_what_became_of_a_case_is_kept_once(pilot: Pilot, case: str) -> None:
    said = {"case": case, "kind": "reassigned", "at": now().isoformat()}
    first, again = tell(pilot, "outcome.recorded", **said), tell(pilot, "outcome.recorded", **said)
    assert [first[1]["status"], again[1]["status"]] == ["accepted", "duplicate"]
    assert (first[0], again[0]) == (202, 200)
    back = tell(pilot, "outcome.recorded", **{**said, "withdrawn": True})
    assert back[1]["status"] == "accepted"
    with transaction() as session:
        rows = session.exec(select(OutcomeRow).where(OutcomeRow.case_id == case)).all()
    assert [row.withdrawn for row in rows] == [False, True]


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("outcome.recorded", {"kind": "won"}, "won is no outcome of lead-routing"),
        ("outcome.recorded", {"case": "mira@x.example"}, "there is no such case"),
        ("outcome.recorded", {"workflow": "lead-rooting"}, "did you mean lead-routing?"),
        ("outcome.recorded", {"at": "2026-11-02T09:00:00"}, "wrong fields"),
        ("outcome.recorded", {"colour": "blue"}, "wrong fields"),
        ("decision.recorded", {"answer": {}}, "wrong fields"),
        ("decision.recorded", {"answer": {"colour": "blue"}}, "is compared by owner"),
    ],
)
def test_a_word_that_cannot_be_taken_is_told_and_not_kept(
    pilot: Pilot, case: str, kind: str, changes: dict[str, object], says: str
) -> None:
    usual: dict[str, object] = {"case": case}
    if kind == "outcome.recorded":
        usual["kind"] = "reassigned"
    else:
        usual |= {"answer": {"owner": "x"}, "by": "karim"}
    status, told = tell(pilot, kind, **{**usual, **changes})
    assert (status, says in told["error"]) == (422, True), told
    assert "mira@x.example" not in json.dumps(told)
    with transaction() as session:
        assert session.exec(select(OutcomeRow).where(OutcomeRow.case_id == case)).all() == []


def test_it_starts_no_run(pilot: Pilot, case: str) -> None:
    with transaction() as session:
        before = len(session.exec(select(Arrival.id)).all())
    later = now() + timedelta(seconds=0)
    tell(pilot, "outcome.recorded", case=case, kind="reassigned", at=later.isoformat())
    with transaction() as session:
        assert len(session.exec(select(Arrival.id)).all()) == before
