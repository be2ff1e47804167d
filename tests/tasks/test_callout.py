"""A system takes a case over by a signed call, once, however often its answer gets lost."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.contracts.lead_routing import UNSURE
from integrations.clock import now
from integrations.database import transaction
from integrations.settings import SettingsError, settings
from integrations.signatures import Incoming, verify
from rollout.authority import Authority
from rollout.case import Case
from rollout.contract import ActionRule, Safety
from rollout.effects import State
from rollout.handoffs import Offered
from tasks.handoffs import call_system
from tests.rollout.test_effects import climb
from tests.rollout.trial import a_case, contract

SECRET = "whsec_dGhlIG90aGVyIHN5c3RlbSdzIGtleQ=="


class System:
    """Another system, as far as the wire shows it: it keeps what it took, by id."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}
        self.calls = 0
        self.drops = 0  #: how many answers get lost after the call was taken
        self.status = 200
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's own name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.casefold(): value for name, value in self.headers.items()}
                incoming = Incoming(body, headers, now(), url=self.path)
                ext_id = verify("standard", [SECRET], incoming)
                system.calls += 1
                if system.status == 200:
                    system.taken.setdefault(str(ext_id), body)
                if system.drops:
                    system.drops -= 1
                    self.connection.close()
                    return
                answer = b'{"id": "erp-7"}'
                self.send_response(system.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/work"


@pytest.fixture
def erp(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    del database
    system = System()
    named = {"erp": {"url": system.url, "secret": SECRET}}
    monkeypatch.setenv("TAXIWAY_SYSTEMS", json.dumps(named))
    settings.cache_clear()
    yield system
    system.server.shutdown()
    system.server.server_close()
    settings.cache_clear()


def case() -> Case:
    made = contract()
    rule = ActionRule(name="system.erp", safety=Safety.NATIVE_KEY, measure="x")
    write = (*made.boundaries.write, rule)
    agreed = replace(made, boundaries=replace(made.boundaries, write=write))
    with transaction() as session:
        climb(session, agreed, Authority.RECOMMEND)
        return a_case(session, agreed, Authority.RECOMMEND)


HANDOFF = replace(UNSURE, to="erp", calls="erp")
OFFERED = Offered(
    name="unsure", to="erp", decide="route it", because="why", otherwise="ops", due_at=now()
)


async def test_it_gets_context_deadline_and_fallback_and_proof_of_the_sender(erp: System) -> None:
    of = case()
    sent = await call_system.fn(of, HANDOFF, OFFERED, {"contact": "7"})
    ((key, body),) = erp.taken.items()
    said = json.loads(body)

    assert (sent.state, sent.remote_id, sent.key) == (State.DONE, "erp-7", key)
    assert (said["case"], said["decide"], said["otherwise"]) == (of.id, "route it", "ops")
    assert said["data"] == {"contact": "7"}
    assert said["due_at"]


async def test_an_answer_that_got_lost_is_asked_for_under_the_same_id(erp: System) -> None:
    erp.drops = 1
    of = case()
    sent = await call_system.fn(of, HANDOFF, OFFERED, {})
    again = await call_system.fn(of, HANDOFF, OFFERED, {})

    assert (sent.state, again.key) == (State.DONE, sent.key)
    assert (len(erp.taken), erp.calls) == (1, 2)


async def test_a_no_is_told_and_not_repeated(erp: System) -> None:
    erp.status = 422
    sent = await call_system.fn(case(), HANDOFF, OFFERED, {})
    assert (sent.state, erp.calls) == (State.FAILED, 1)


async def test_a_system_that_nobody_has_set_up_is_named(
    erp: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    del erp
    monkeypatch.delenv("TAXIWAY_SYSTEMS")
    settings.cache_clear()
    with pytest.raises(SettingsError, match="TAXIWAY_SYSTEMS does not name erp"):
        await call_system.fn(case(), HANDOFF, OFFERED, {})
