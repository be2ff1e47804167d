"""What the receiver takes and what it turns away, over real HTTP."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlmodel import col, select

from integrations.clock import now
from integrations.database import transaction
from integrations.signatures import sign
from rollout.authority import Authority
from rollout.inbox import Arrival
from rollout.refusals import Refusal
from tests.pilot import WEBSITE_KEY, Form, Pilot, until

pytestmark = pytest.mark.system

FORM: Form = {
    "submission_id": "s-1",
    "contact_id": "501",
    "form_type": "demo",
    "submitted_at": "2026-11-02T09:00:00+00:00",
}


def event(**changes: object) -> bytes:
    data = {name: value for name, value in {**FORM, **changes}.items() if value != "absent"}
    return json.dumps({"type": "lead.created", "timestamp": "x", "data": data}).encode()


def kept() -> int:
    with transaction() as session:
        return len(session.exec(select(Arrival.id)).all())


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"submission_id": "absent"}, "data.submission_id", "missing"),
        ({"employee_count": "many"}, "data.employee_count", "valid integer"),
        ({"company": "x" * 201}, "data.company", "at most 200 characters"),
        ({"compny": "typo"}, "data.compny", "unknown field"),
        ({"country": "Germany"}, "data.country", "match pattern"),
        ({"submitted_at": "2026-11-02T09:00:00"}, "data.submitted_at", "timezone"),
        ({"form_type": "other"}, "data.form_type", "'demo'"),
        ({"contact_id": "5; drop"}, "data.contact_id", "match pattern"),
    ],
    ids=["missing", "mistyped", "oversized", "unknown", "country", "zone", "choice", "id"],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(
    pilot: Pilot, changes: dict[str, object], field: str, problem: str
) -> None:
    before = kept()
    answer = pilot.post(event(**changes))

    assert answer.status_code == 422
    wrong = {one["field"]: one["problem"] for one in answer.json()["fields"]}
    assert problem in wrong[field]
    assert kept() == before


def test_every_wrong_field_is_named_at_once(pilot: Pilot) -> None:
    answer = pilot.post(event(country="x", employee_count=-1, foo=1))

    assert len(answer.json()["fields"]) == 3


def test_no_value_is_repeated_to_the_sender(pilot: Pilot) -> None:
    answer = pilot.post(event(email="very-private@x.example" * 20))

    assert "very-private" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"not json", 400, "not JSON"),
        (b"[1]", 400, "not a JSON object"),
        (b'{"type": "lead.created", "type": "x"}', 400, "occurs twice"),
        (b'{"type": NaN}', 400, "NaN"),
        (b'{"data": {"__prefect_kind": "jinja"}}', 400, "__prefect_kind"),
        (b'{"data": "a\\u0000b"}', 400, "NUL"),
        (b'{"data": ["a\\u0000b"]}', 400, "NUL"),
        (b'{"data": {"\\ud800": 1}}', 400, "surrogate"),
        (b"[" * 100_000, 400, "not JSON"),
        (b'{"type": "lead.deleted"}', 422, "unknown type"),
        (b'{"type": "lead.created", "data": 5}', 422, "wrong fields"),
        (b'{"type": "lead.created"}', 422, "wrong fields"),
        (b" " * (256 * 1024 + 1), 413, "larger than 256 KiB"),
    ],
    ids=[
        "text",
        "list",
        "twice",
        "nan",
        "template",
        "nul",
        "nul-in-list",
        "half",
        "deep",
        "type",
        "scalar",
        "nothing",
        "huge",
    ],
)
def test_what_is_not_an_event_is_told(pilot: Pilot, body: bytes, status: int, words: str) -> None:
    answer = pilot.post(body)

    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_an_unknown_source_is_told(pilot: Pilot) -> None:
    assert pilot.post(event(), source="nobody").status_code == 404


def headers_for(pilot: Pilot, body: bytes, **changes: str) -> dict[str, str]:
    secret = WEBSITE_KEY
    return {**sign(secret, uuid4().hex, now(), body), **changes}


def signed_before(pilot: Pilot, body: bytes, age: timedelta) -> dict[str, str]:
    secret = WEBSITE_KEY
    return sign(secret, uuid4().hex, now() - age, body)


@pytest.mark.parametrize("which", ["wrong key", "old", "early", "none", "garbage", "other body"])
def test_a_signature_that_does_not_hold_leaves_a_count_and_nothing_else(
    pilot: Pilot, which: str
) -> None:
    body = event()
    other = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    cases: Mapping[str, dict[str, str]] = {
        "wrong key": sign(other, uuid4().hex, now(), body),
        "old": signed_before(pilot, body, timedelta(minutes=6)),
        "early": signed_before(pilot, body, -timedelta(minutes=6)),
        "none": {},
        "garbage": headers_for(pilot, body, **{"webhook-signature": "v1,%%% v2 ,"}),
        "other body": headers_for(pilot, body + b" "),
    }
    before, refused = kept(), refusals()
    answer = pilot.post(body, cases[which])

    assert answer.status_code == 401
    assert (kept(), refusals()) == (before, refused + 1)


def refusals() -> int:
    with transaction() as session:
        return sum(session.exec(select(Refusal.count).where(col(Refusal.source) == "website")))


def test_the_same_id_again_is_known_and_another_body_is_a_conflict(pilot: Pilot) -> None:
    pilot.at(Authority.SHADOW)
    form = pilot.lead()
    body = json.dumps({"type": "lead.created", "data": form}).encode()
    changed = json.dumps({"type": "lead.created", "data": {**form, "company": "B"}}).encode()
    secret, known, at = WEBSITE_KEY, uuid4().hex, now()
    answers: list[Any] = [
        pilot.post(one, sign(secret, known, at, one)) for one in (body, body, changed)
    ]

    assert [one.status_code for one in answers] == [202, 200, 409]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert "The first one is kept" in answers[2].json()["error"]
    pilot.ended(answers[0].json()["id"])


KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A receiver whose database is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    env = {
        "TAXIWAY_HOME": str(tmp_path_factory.mktemp("cut-off")),
        "TAXIWAY_DATABASE_URL": "postgresql://me:very-private@127.0.0.1:1/taxiway",
        "TAXIWAY_HOOK_SECRETS": json.dumps({"website": [KEY]}),
    }
    words = [sys.executable, "-m", "flows.doors.webhooks", "--port", url.rpartition(":")[2]]
    process = subprocess.Popen(words, env={**os.environ, **env}, stderr=subprocess.PIPE, text=True)
    until(lambda: answers(url), "it listens")
    yield url
    process.terminate()
    said = process.communicate(timeout=10)[1]
    assert said == "", "it logs neither tracebacks nor addresses"


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("proof", ["good", "bad"])
def test_without_its_database_the_sender_is_asked_to_come_again(cut_off: str, proof: str) -> None:
    body = event()
    headers = sign(KEY, uuid4().hex, now(), body) if proof == "good" else {}
    answer = httpx.post(f"{cut_off}/hooks/website", content=body, headers=headers, timeout=20)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "send it again" in answer.json()["error"]


def test_a_sender_that_hangs_up_halfway_hurts_nobody(cut_off: str) -> None:
    host, _, port = cut_off.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as half:
        half.sendall(b"POST /hooks/website HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")

    assert answers(cut_off)


def test_a_receiver_that_knows_no_database_says_so_and_ends(tmp_path: Path) -> None:
    kept = {name: it for name, it in os.environ.items() if name != "TAXIWAY_DATABASE_URL"}
    answer = subprocess.run(
        [sys.executable, "-m", "flows.doors.webhooks", "--port", "1"],
        env={**kept, "TAXIWAY_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert answer.returncode == 1
    assert "start it with `taxiway up`" in answer.stderr
