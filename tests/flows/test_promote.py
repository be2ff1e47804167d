"""Promotion from the Prefect UI: a form, a run that sleeps, two signatures."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient
from sqlalchemy import delete
from sqlmodel import col, select

from flows.catalog import full_name
from flows.contracts.renewal_risk import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from rollout.answers import Proof
from rollout.authority import Authority
from rollout.compared import ComparedRow
from rollout.falling import FallRow
from rollout.grants import current
from rollout.people import read_directory
from rollout.policy import policy_of
from rollout.rising import RiseRow, sign
from tests.pilot import Form, Pilot, until
from tests.rollout.weeks import weeks
from tests.staff import staff

__all__ = ["staff"]  # a fixture

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("staff")]


@pytest.fixture(autouse=True)
def evidence(pilot: Pilot) -> Iterator[None]:
    """Three weeks in which people decided as the agent proposed."""
    pilot.at(Authority.SHADOW, agreed=CONTRACT)
    with transaction() as session:
        for rows in (ComparedRow, RiseRow, FallRow):
            session.execute(delete(rows).where(col(rows.workflow) == CONTRACT.workflow))
        weeks(session, CONTRACT, days=20, start=now() - timedelta(days=20, hours=2))
    yield
    with transaction() as session:
        session.execute(delete(ComparedRow).where(col(ComparedRow.workflow) == CONTRACT.workflow))


def start(pilot: Pilot, **parameters: object) -> UUID:
    async def made(client: PrefectClient) -> UUID:
        found = await client.read_deployment_by_name(full_name("promote"))
        run = await client.create_flow_run_from_deployment(found.id, parameters=dict(parameters))
        return run.id

    return pilot.prefect(made)


def state(pilot: Pilot, run_id: UUID) -> tuple[str, str]:
    run = pilot.prefect(lambda client: client.read_flow_run(run_id))
    return (run.state.type.value, run.state.message or "") if run.state else ("", "")


def submit(pilot: Pilot, run_id: UUID, **fields: str) -> None:
    form: Form = {"verb": "sign", **fields}
    answer = pilot.prefect(lambda client: client.resume_flow_run(run_id, run_input=form))
    assert answer.status.value == "ACCEPT", answer


def level() -> Authority:
    with transaction() as session:
        return current(session, CONTRACT.workflow).authority


ASKED = {"workflow": CONTRACT.workflow, "because": "three weeks", "asked_by": "Dora Lang"}


def test_it_sleeps_for_two_signatures_and_rises(pilot: Pilot) -> None:
    run = start(pilot, **ASKED)
    until(lambda: state(pilot, run)[0] == "PAUSED", "it sleeps")
    submit(pilot, run, by="Karim Adler")  # nobody who could sign
    until(lambda: sleeps(pilot, run) == 2, "it sleeps again, and says why")
    submit(pilot, run, by="Dora Lang")
    until(lambda: sleeps(pilot, run) == 3, "it sleeps for the other one")
    assert level() is Authority.SHADOW
    submit(pilot, run, by="ruth")
    until(lambda: state(pilot, run)[0] == "COMPLETED", "it is through")

    assert level() is Authority.RECOMMEND
    assert state(pilot, run)[1] == "renewal-risk rose to recommend, signed by dora and ruth."


def sleeps(pilot: Pilot, run: UUID) -> int:
    """Which of its pauses a sleeping run is in; 0 while it works."""
    if state(pilot, run)[0] != "PAUSED":
        return 0
    with transaction() as session:
        return session.exec(select(RiseRow.sleep).where(RiseRow.flow_run_id == str(run))).one()


def test_signed_on_the_command_line_it_wakes_and_ends(pilot: Pilot) -> None:
    run = start(pilot, **ASKED)
    until(lambda: state(pilot, run)[0] == "PAUSED", "it sleeps")
    with transaction() as session:
        number = session.exec(select(RiseRow.id).where(RiseRow.flow_run_id == str(run))).one()
        people = read_directory(session)
        for who in ("dora", "ruth"):
            sign(
                session,
                people,
                CONTRACT,
                policy_of(CONTRACT),
                number or 0,
                by=who,
                proof=Proof.HOST,
                now=now(),
            )
    until(lambda: state(pilot, run)[0] == "COMPLETED", "it is through")
    assert level() is Authority.RECOMMEND


def test_without_evidence_it_ends_with_the_reasons(pilot: Pilot) -> None:
    with transaction() as session:
        session.execute(delete(ComparedRow).where(col(ComparedRow.workflow) == CONTRACT.workflow))
    run = start(pilot, **ASKED)
    until(lambda: state(pilot, run)[0] == "FAILED", "it ends")
    assert "renewal-risk may not rise to recommend now" in state(pilot, run)[1]
    assert level() is Authority.SHADOW
