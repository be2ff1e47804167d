"""Forgetting: what is about a person is nowhere any more, and the chain still holds."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings
from sqlalchemy import text, update
from sqlmodel import col

from flows.doors.cli.forget import forget
from flows.operations.retention import SHORTEST
from integrations.clock import now
from integrations.database import plain_url, transaction
from integrations.settings import settings
from rollout.authority import Authority
from rollout.case import CaseRow, Ending
from rollout.erasure import cases_about, ended_before
from rollout.errors import Conflict, Unknown
from rollout.timeline import timeline
from tasks.forget import forget_case
from tasks.seals import seal_ledger, verify_ledger
from tests.flows.test_lead_routing import submit
from tests.pilot import Pilot

pytestmark = pytest.mark.system


def databases() -> list[str]:
    ours = plain_url(settings().database_url)
    return [ours, ours.replace("/taxiway", "/prefect")]


def found(home: Path, needles: list[str]) -> Iterator[str]:
    """Name every table of both databases and every log that holds one of the words."""
    for url in databases():
        with psycopg.connect(url) as connection:
            tables = connection.execute(
                "select table_name from information_schema.tables where table_schema = 'public' "
                "and table_type = 'BASE TABLE'"
            ).fetchall()
            for (table,) in tables:
                for needle in needles:
                    hits = connection.execute(
                        psycopg.sql.SQL("select count(*) from {} t where t::text ilike %s").format(
                            psycopg.sql.Identifier(table)
                        ),
                        (f"%{needle}%",),
                    ).fetchone()
                    if hits and hits[0]:
                        yield f"{table}: {needle}"
                    coded = needle.encode().hex()
                    hits = connection.execute(
                        psycopg.sql.SQL("select count(*) from {} t where t::text ilike %s").format(
                            psycopg.sql.Identifier(table)
                        ),
                        (f"%{coded}%",),  # bytes are shown in hexadecimal
                    ).fetchone()
                    if hits and hits[0]:
                        yield f"{table}: {needle} in bytes"
    for log in (home / "logs").rglob("*"):
        if log.is_file():
            words = log.read_text(errors="replace").casefold()
            yield from (f"{log.name}: {one}" for one in needles if one.casefold() in words)


def test_a_name_and_a_token_are_found_nowhere_once_they_are_forgotten(pilot: Pilot) -> None:
    name, token = f"Zyxw{uuid4().hex[:10]}", f"tok-{uuid4().hex[:12]}"
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead(last_name=name, free_text=f"my code is {token}", company=f"{name} Works")
    event = pilot.send(form)
    review = pilot.review(event)
    submit(pilot, review.case_id, verb="approve", by="Sofia Lindt")
    assert pilot.ended(event).ending == Ending.ACTED
    needles = [name, token, form["email"]]
    assert list(found(pilot.system.home, needles)) != [], "it is there before"

    forget(form["email"])
    assert list(found(pilot.system.home, needles)) == []
    seal_ledger()
    assert verify_ledger().faults == ()
    with transaction() as session:
        told = timeline(session, review.case_id)
    assert told[-1].what == "erased what was about people"
    with pytest.raises(Unknown, match="has been erased already"), transaction() as session:
        cases_about(session, form["email"])


def test_no_secret_is_in_logs_or_databases(pilot: Pilot) -> None:
    known = settings()
    secrets = [
        pilot.system.state.crm_token,
        pilot.system.state.crm_read_token,
        *(key.get_secret_value() for keys in known.hook_secrets.values() for key in keys),
    ]
    pilot.at(Authority.FULL)
    pilot.flown(pilot.lead())

    assert list(found(pilot.system.home, [one for one in secrets if one])) == []


def test_an_open_case_is_not_forgotten_and_says_what_to_do(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    review = pilot.review(event)

    with pytest.raises(Conflict, match=f"{review.case_id} is open: decide it"):
        forget(form["email"])
    assert "lead" in pilot.facts(review.case_id)
    submit(pilot, review.case_id, verb="reject", by="sofia", reason="other")
    pilot.ended(event)


async def test_retention_takes_what_is_long_over_and_nothing_else(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    old, young = (pilot.flown(pilot.lead())[0].id for _ in range(2))
    long_ago = now() - SHORTEST - timedelta(days=400)
    with transaction() as session:
        session.execute(update(CaseRow).where(col(CaseRow.id) == old).values(closed_at=long_ago))
        due = ended_before(session, "lead-routing", now() - SHORTEST, 10)
    assert (old in due, young in due) == (True, False)

    run = pilot.run(old).id
    with temporary_settings({PREFECT_API_URL: pilot.system.state.prefect_api_url}):
        await forget_case(old, by="retention")
        await forget_case(old, by="retention")  # again is no trouble
        async with get_client() as client:
            with pytest.raises(ObjectNotFound):
                await client.read_flow_run(run)
    with transaction() as session:
        assert old not in ended_before(session, "lead-routing", now() - SHORTEST, 10)
        left = session.execute(
            text("select count(*) from personal where case_id = :case"), {"case": young}
        ).scalar_one()
    assert left > 0
