"""Leads of the sample, opened as their flow does it, without any run."""

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest

from flows.contracts.lead_routing import CONTRACT
from flows.doors.sheets import bring, put_all_in_force
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from rollout.authority import Authority
from rollout.case import Case
from rollout.grants import change
from rollout.inbox import receive
from rollout.lead_events import introduce
from rollout.lead_routing import Lead
from rollout.territories import Kind
from tasks.cases import open_case, place_case
from tasks.lead_facts import read_lead
from tests.doors.terminal import database_of_its_own
from tests.sandbox import READ_TOKEN, TOKEN

GOOD = [one for one in samples.leads() if one.branch == "good" and not one.special]


@pytest.fixture
def sample_world(
    database: str, sandbox: Sandbox, sandbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sandbox]:
    """A CRM with the sample's contacts; a fresh database with its sheets, in which it watches."""
    url = sandbox_url.replace("127.0.0.1", "localhost")  # whose owners nobody has read before
    for name, value in {"URL": url, "TOKEN": TOKEN, "READ_TOKEN": READ_TOKEN}.items():
        monkeypatch.setenv(f"TAXIWAY_CRM_{name}", value)
    sandbox.seed(samples.crm())
    with database_of_its_own(database, f"leads_{uuid4().hex[:8]}"):
        sheets = {kind: samples.sheet(f"{kind}.csv") for kind in Kind}
        put_all_in_force(bring(sheets, None), valid_from=now().date(), by="a test")
        with transaction() as session:
            change(session, CONTRACT, Authority.SHADOW, by="x", because="x", now=now())
        yield sandbox


async def opened(sample: samples.SampleLead) -> tuple[Case, Lead]:
    """Open a lead's case, read it, and place it."""
    words = {"type": "lead.created", "data": {**sample.form, "submission_id": uuid4().hex}}
    body = json.dumps({**words, "timestamp": now().isoformat()}).encode()
    with transaction() as session:
        event, _ = receive(
            session,
            source="website",
            ext_id=uuid4().hex,
            workflow=CONTRACT.workflow,
            body=body,
            now=now(),
        )
        inbox_id = event.id
    case = await open_case(CONTRACT, inbox_id, introduce)
    lead = await read_lead.fn(case)
    return await place_case(case, lead.unit, lead.facets, lead.label), lead
