"""Hands for tests: they send webhooks, wait for cases, and answer, through the product's doors."""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import PREFECT_API_URL, temporary_settings
from sqlmodel import col, select

from flows.catalog import full_name
from flows.contracts.lead_routing import CONTRACT
from flows.doors.up import Installation
from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from integrations.signatures import sign
from rollout.authority import Authority, Exposure
from rollout.case import CaseRow, Ending, Proposal
from rollout.contract import Contract
from rollout.effects import EffectRow
from rollout.grants import change, current
from rollout.inbox import Arrival
from rollout.ledger import Entry, recall
from rollout.releases import NOBODY, crown
from rollout.reviews import ReviewRow, Status
from tasks.cases import PROPOSAL

T = TypeVar("T")
Form = dict[str, Any]
LADDER = list(Authority)
_NUMBERS = itertools.count(1)

WEBSITE_KEY = "whsec_dGhlIHdlYnNpdGUncyBvd24ga2V5"
CRM_KEY = "an app's client secret"

GOOD = next(one for one in samples.leads() if one.branch == "good" and not one.special)


def until(get: Callable[[], T | None], what: str, patience: float = 40.0) -> T:
    """Ask again and again until there is an answer; fail with words after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        if found := get():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:g} s: {what}")
        time.sleep(0.05)


class Pilot:
    """A running installation in a test's hands."""

    def __init__(self, system: Installation) -> None:
        self.system = system
        self.crm = Sandbox(system.state.crm_url)

    def at(
        self,
        level: Authority,
        exposure: Exposure | None = None,
        agreed: Contract = CONTRACT,
        *,
        blind: int = 0,
        planted: int = 0,
    ) -> None:
        """Bring the workflow to a level, one step at a time; without blind questions."""
        share = (exposure or Exposure()).model_copy(update={"blind": blind, "planted": planted})
        with transaction() as session:
            crown(session, agreed.workflow, NOBODY, by="a test", because="here", now=now())
            here = current(session, agreed.workflow).authority
            path = LADDER[here.height + 1 : level.height] if level.height > here.height else []
            for step in path:
                change(session, agreed, step, by="a test", because="on the way", now=now())
            change(session, agreed, level, exposure=share, by="a test", because="here", now=now())

    def lead(self, sample: samples.SampleLead = GOOD, **changes: object) -> Form:
        """Put a new contact like a sample's into the CRM; give its form."""
        number = 600_000 + next(_NUMBERS)
        world = samples.crm()
        old = sample.form["contact_id"]
        contact = next(one for one in world["contacts"] if one["id"] == old)
        email = f"lead{number}@{contact['properties'].get('email', '@x.example').split('@')[1]}"
        if "email" in sample.form:
            contact["properties"]["email"] = email
            changes.setdefault("email", email)
        contact["id"] = str(number)
        name = f"{sample.form['last_name']} {number}"  # two of one name would be duplicates
        contact["properties"]["lastname"] = name
        changes.setdefault("last_name", name)
        companies = [one for one in world["companies"] if one["id"] == contact["company_id"]]
        self.crm.seed({"companies": companies, "contacts": [contact]})
        form = {
            **sample.form,
            "contact_id": str(number),
            "submission_id": uuid4().hex,
            **changes,
        }
        return {name: value for name, value in form.items() if value is not None}

    def post(
        self, body: bytes, headers: dict[str, str] | None = None, source: str = "website"
    ) -> httpx.Response:
        """Post bytes to the receiver, signed unless headers are given."""
        if headers is None:
            headers = sign(WEBSITE_KEY, uuid4().hex, now(), body)
        return httpx.post(
            f"{self.system.state.hooks_url}/hooks/{source}", content=body, headers=headers
        )

    def send(self, form: Form) -> str:
        """Send a lead as a signed webhook; give its inbox id."""
        return self.tell("lead.created", form)

    def tell(self, kind: str, data: Form) -> str:
        """Send an event of a kind as a signed webhook; give its inbox id."""
        body = {"type": kind, "timestamp": now().isoformat(), "data": data}
        answer = self.post(json.dumps(body).encode())
        assert answer.status_code == 202, answer.text
        kept: str = answer.json()["id"]
        return kept

    def case(self, inbox_id: str) -> CaseRow:
        """Wait for an event's case to be opened."""
        return until(lambda: self.known(inbox_id), f"event {inbox_id} has a case")

    def ended(self, inbox_id: str, patience: float = 40.0) -> CaseRow:
        """Wait for an event's case to end."""

        def over() -> CaseRow | None:
            case = self.known(inbox_id)
            return case if case is not None and case.ending else None

        return until(over, f"event {inbox_id} has ended", patience)

    def flown(self, form: Form) -> tuple[CaseRow, Ending]:
        """Send a lead and wait for its end."""
        case = self.ended(self.send(form))
        return case, Ending(case.ending or "")

    def review(self, inbox_id: str) -> ReviewRow:
        """Wait until an event's case waits for a person, its run asleep."""
        case = self.case(inbox_id)

        def waits() -> ReviewRow | None:
            with transaction() as session:
                return session.exec(
                    select(ReviewRow).where(
                        ReviewRow.case_id == case.id, ReviewRow.status == Status.OPEN
                    )
                ).one_or_none()

        found = until(waits, f"{case.id} waits for a person")
        until(lambda: self.state_of(case.id) == "PAUSED" and self.form_of(case.id), "it sleeps")
        return found

    def run(self, case_id: str) -> FlowRun:
        """Read a case's run from Prefect."""
        with transaction() as session:
            run_id = session.get_one(CaseRow, case_id).flow_run_id
        return self.prefect(lambda client: client.read_flow_run(UUID(run_id)))

    def state_of(self, case_id: str) -> str:
        """Give the type of a run's state."""
        state = self.run(case_id).state
        return state.type.value if state else ""

    def form_of(self, case_id: str) -> bool:
        """Whether a sleeping run's form is stored."""
        run = self.run(case_id)
        keys = run.state.state_details.run_input_keyset if run.state else None
        if not keys:
            return False
        url = f"{self.system.state.prefect_api_url}/flow_runs/{run.id}/input/{keys['schema']}"
        return httpx.get(url).is_success

    def prefect(self, ask: Callable[[PrefectClient], Awaitable[T]]) -> T:
        """Ask Prefect's API something."""

        async def asked() -> T:
            async with get_client() as client:
                return await ask(client)

        url = {PREFECT_API_URL: self.system.state.prefect_api_url}
        with temporary_settings(url), ThreadPoolExecutor(1) as apart:  # a browser has a loop here
            return apart.submit(copy_context().run, asyncio.run, asked()).result()

    @contextmanager
    def without_watch(self) -> Iterator[None]:
        """Let the installation's own watch rest; one that is at it ends first."""
        name = full_name("watch")

        async def rest(client: PrefectClient) -> None:
            found = await client.read_deployment_by_name(name)
            await client.pause_deployment(found.id)

        async def busy(client: PrefectClient) -> bool:
            under_way = [StateType.PENDING, StateType.RUNNING, StateType.SCHEDULED]
            runs = await client.read_flow_runs(
                flow_filter=FlowFilter(name=FlowFilterName(any_=["watch"])),
                flow_run_filter=FlowRunFilter(
                    state=FlowRunFilterState(type=FlowRunFilterStateType(any_=under_way))
                ),
            )
            return bool(runs)

        async def go_on(client: PrefectClient) -> None:
            found = await client.read_deployment_by_name(name)
            await client.resume_deployment(found.id)

        self.prefect(rest)
        until(lambda: not self.prefect(busy), "the watch rests")
        try:
            yield
        finally:
            self.prefect(go_on)

    def proposed(self, case_id: str) -> str:
        """Give the owner whom a case's proposal names."""
        with transaction() as session:
            found = recall(session, case_id, PROPOSAL, Proposal)
        assert found is not None, f"{case_id} has a proposal"
        return found.action.arguments["owner"]

    def facts(self, case_id: str) -> list[str]:
        """Give the kinds of a case's ledger rows, in order."""
        with transaction() as session:
            rows = session.exec(
                select(Entry).where(Entry.case_id == case_id).order_by(Entry.seq)  # type: ignore[arg-type] # a column, once mapped
            ).all()
        return [row.kind for row in rows]

    def effects(self, case_id: str) -> list[EffectRow]:
        """Give a case's writes, in the order in which they were meant."""
        with transaction() as session:
            mine = select(EffectRow).where(EffectRow.case_id == case_id)
            return list(session.exec(mine.order_by(col(EffectRow.made_at))).all())

    def writes_to(self, contact_id: str) -> list[dict[str, Any]]:
        """Give the writes that took effect on a contact, its tasks among them."""
        return [
            one
            for one in self.crm.writes()
            if one["applied"] and contact_id in json.dumps([one["path"], one["content"]])
        ]

    def known(self, inbox_id: str) -> CaseRow | None:
        """Give an event's case, if it has one by now."""
        with transaction() as session:
            arrival = session.get_one(Arrival, inbox_id)
            return session.get(CaseRow, arrival.case_id) if arrival.case_id else None
