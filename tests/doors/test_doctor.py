"""The doctor: what is well is called well, and what is not comes with its remedy."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from flows.doors.doctor import Finding, Verdict, examine
from integrations.clock import now
from integrations.database import transaction
from integrations.settings import settings
from rollout.halts import end_halts, halt
from rollout.inbox import ErrandKind, ask
from tests.doors.test_inbound import start
from tests.pilot import Pilot, until

pytestmark = pytest.mark.system


def found(what: str) -> Finding:
    return next(one for one in examine() if one.what == what)


def test_a_running_installation_is_well(pilot: Pilot) -> None:
    pilot.prefect(lambda client: start(client, "watch", {}))  # its own first turn is a minute off
    until(lambda: found("watch").verdict is Verdict.OK, "a watch has gone well")
    bad = {one.what: one.says for one in examine() if one.verdict is Verdict.FAIL}

    assert bad == {}


def test_where_nothing_runs_it_says_what_to_start(tmp_path: Path) -> None:
    kept = {"PATH": "/usr/bin:/bin", "TAXIWAY_HOME": str(tmp_path / "home")}
    ran = subprocess.run(
        [sys.executable, "-m", "flows.doors.cli", "doctor", "--json"],
        env=kept,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    rows: dict[str, dict[str, Any]] = {one["what"]: one for one in json.loads(ran.stdout)}

    assert (ran.returncode, ran.stderr) == (1, "")
    assert rows["database"]["is"] == rows["prefect"]["is"] == "fail"
    assert "start it with `taxiway up`" in rows["database"]["says"]
    assert "schema" not in rows  # it hangs on the database


@pytest.mark.parametrize(
    ("variable", "value", "what", "verdict", "says"),
    [
        ("TAXIWAY_CRM_READ_TOKEN", "wrong", "CRM", Verdict.FAIL, "401"),
        ("TAXIWAY_CRM_READ_TOKEN", "", "CRM", Verdict.FAIL, "no token that may only read"),
        ("TAXIWAY_CRM_URL", "http://127.0.0.1:9", "CRM", Verdict.FAIL, "unavailable"),
        ("TAXIWAY_WORK_POOL", "other", "worker", Verdict.FAIL, "there is no work pool other"),
        ("TAXIWAY_HOOKS_PUBLIC_URL", "http://127.0.0.1:9", "receiver", Verdict.FAIL, "ConnectErr"),
        ("TAXIWAY_AUDIT_HEADS", "/nowhere/heads", "audit heads", Verdict.FAIL, "is not there"),
        ("PREFECT_API_URL", "http://127.0.0.1:9/api", "prefect", Verdict.FAIL, "does not answer"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(
    pilot: Pilot,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    what: str,
    verdict: Verdict,
    says: str,
) -> None:
    del pilot
    monkeypatch.setenv(variable, value)
    settings.cache_clear()
    one = found(what)
    settings.cache_clear()

    assert (one.verdict, says in one.says, bool(one.mend)) == (verdict, True, True)


@pytest.mark.parametrize(
    ("given", "verdict", "says"),
    [
        ({}, Verdict.WARN, "nobody is told of anything"),
        ({"MAIL_URL": "smtp://127.0.0.1:25"}, Verdict.WARN, "nobody is told of anything"),
        ({"MAIL_URL": "smtp://127.0.0.1:25", "MAIL_FROM": "t@x.example"}, Verdict.OK, "mail"),
        ({"SLACK_URL": "http://127.0.0.1:9/services/x"}, Verdict.OK, "Slack"),
    ],
)
def test_where_nobody_can_be_told_it_says_so(
    pilot: Pilot,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    verdict: Verdict,
    says: str,
) -> None:
    del pilot
    for name, value in given.items():
        monkeypatch.setenv(f"TAXIWAY_{name}", value)
    settings.cache_clear()
    one = found("notices")
    monkeypatch.undo()
    settings.cache_clear()

    assert (one.verdict, says in one.says) == (verdict, True)


def test_what_waits_too_long_is_told(pilot: Pilot) -> None:
    del pilot
    long_ago = now() - timedelta(minutes=30)
    with transaction() as session:
        ask(session, ErrandKind.START, dedupe="stuck", now=long_ago, inbox_id="none")
        session.execute(
            text("update outbox set not_before = now() + interval '1 day' where dedupe = 'stuck'")
        )
    one = found("errands")
    with transaction() as session:
        session.execute(text("delete from outbox where dedupe = 'stuck'"))

    assert (one.verdict, "1 runs wait" in one.says) == (Verdict.FAIL, True)


def test_a_stop_is_told(pilot: Pilot) -> None:
    del pilot
    with transaction() as session:
        halt(session, "lead-routing", by="ann", because="a test", now=now())
    one = found("stops")
    with transaction() as session:
        end_halts(session, "lead-routing", by="ann", because="over", now=now())

    assert (one.verdict, one.says) == (Verdict.WARN, "halted: lead-routing (ann: a test)")
