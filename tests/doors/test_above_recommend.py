"""From the terminal: further opinions, outcomes from a sheet, caps, and the drill."""

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from flows.contracts.lead_routing import CONTRACT
from integrations.database import transaction
from integrations.flag import stops
from integrations.settings import settings
from rollout.authority import Authority, Exposure
from rollout.grants import change
from rollout.ledger import Entry, call_it
from rollout.opinions import Kind, open_opinions
from tests.doors.terminal import database_of_its_own, taxiway
from tests.rollout.reviewed import blind
from tests.rollout.test_outcomes import closed
from tests.rollout.trial import OWNERS, WHEN

NAME = CONTRACT.workflow


@pytest.fixture(scope="module")
def apart(database: str) -> Iterator[str]:
    """A database of its own, in which lead routing recommends."""
    with database_of_its_own(database, "above") as own:
        with transaction() as session:
            for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED):
                share = Exposure(basis_points=1_000) if level is Authority.LIMITED else None
                change(session, CONTRACT, level, exposure=share, by="x", because="x", now=WHEN)
        yield own


def test_a_difference_is_listed_shown_without_names_and_judged(apart: str) -> None:
    del apart
    with transaction() as session:
        blind(session, CONTRACT, WHEN + timedelta(hours=1), agrees=False)
        asked = [row for row in open_opinions(session, NAME) if row.kind == Kind.WHO_IS_RIGHT]
    which = asked[0].id
    listed = json.loads(taxiway("opinions", "--json").stdout)
    assert which in {one["opinion"] for one in listed}
    found = json.loads(taxiway("opinion", "show", which, "--json").stdout)
    assert {found["first"], found["second"]} == {f"owner: {one}" for one in OWNERS}

    own = taxiway("opinion", "answer", which, "first", "--as", "karim")
    assert (own.returncode, "karim decided" in own.stderr) == (1, True)
    wrong = taxiway("opinion", "answer", which, "left", "--as", "sofia")
    assert "known: first, second, both, neither" in wrong.stderr
    said = taxiway("opinion", "answer", which, "both", "--as", "sofia")
    assert "on record, by sofia" in said.stdout
    assert which not in taxiway("opinions", "--json").stdout


def test_outcomes_from_a_sheet_all_or_none(apart: str, tmp_path: Path) -> None:
    del apart
    with transaction() as session:
        cases = [closed(session, CONTRACT, n=n) for n in range(3)]
        call_it(session, cases[0].id, [("contact", "900001")])
    file = tmp_path / "outcomes.csv"
    rows = [["900001", "reassigned", (WHEN + timedelta(days=1)).isoformat()]]
    rows += [[cases[1].id, "reassigned", (WHEN + timedelta(days=2)).isoformat()]]
    words = ("outcomes", "import", NAME, str(file), "--case", "who", "--kind", "what", "--at", "at")

    write(file, [*rows, [cases[2].id, "won", WHEN.isoformat()]])
    refused = taxiway(*words)
    assert (refused.returncode, "line 4: won is no outcome" in refused.stderr) == (1, True)
    assert json.loads(taxiway("outcomes", "list", NAME, "--json").stdout) == []
    write(file, [*rows, [cases[2].id, "reassigned", "2026-11-03T09:00"]])
    assert "has no time zone" in taxiway(*words).stderr

    write(file, rows)
    assert json.loads(taxiway(*words, "--json").stdout) == {"lines": 2, "new": 2, "known": 0}
    assert json.loads(taxiway(*words, "--json").stdout) == {"lines": 2, "new": 0, "known": 2}
    assert "2 new" in taxiway(*words, "--withdrawn").stdout
    listed = json.loads(taxiway("outcomes", "list", NAME, "--json").stdout)
    assert [one["outcome"] for one in listed].count("reassigned (withdrawn)") == 2


def write(file: Path, rows: list[list[str]]) -> None:
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([["who", "what", "at"], *rows])


def test_a_cap_is_set_shown_and_lifted_only_by_hand(apart: str) -> None:
    del apart
    cap = ("rollout", "cap", NAME, "segment:SMB")
    made = taxiway(*cap, "recommend", "--because", "wrong owners")
    assert "segment:SMB at most recommend" in made.stdout
    assert "segment:SMB at most recommend" in taxiway("rollout", "status", "--json").stdout
    lifted = taxiway(*cap, "full", "--because", "mended")
    assert (lifted.returncode, "your word alone: --without-evidence" in lifted.stderr) == (1, True)
    assert taxiway(*cap, "full", "--because", "x", "--without-evidence").returncode == 0
    assert "at most" not in taxiway("rollout", "status", "--json").stdout
    strange = taxiway("rollout", "cap", NAME, "SMB", "shadow", "--because", "x")
    assert "is no scope" in strange.stderr


def test_what_stands_before_the_next_share_is_told(apart: str) -> None:
    del apart
    told = json.loads(taxiway("rollout", "why-not", NAME, "--json").stdout)
    assert (told["next"], told["target"]) == ("limited", "limited to 25 %")
    gates = {one["gate"] for one in json.loads(taxiway("rollout", "gates", NAME, "--json").stdout)}
    assert {"step", "no_alarm", "sample_ratio", "outcome", "escalation"} <= gates
    assert "does not rise to limited to 25 %" in taxiway("rollout", "why-not", NAME).stdout


def test_a_drill_stops_a_name_of_its_own_and_leaves_no_stop(
    apart: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del apart
    monkeypatch.setenv("TAXIWAY_HOME", str(tmp_path))
    settings.cache_clear()
    ran = taxiway("rollout", "drill", NAME, "--as", "noor")
    assert "stopped and refused within" in ran.stdout, ran.stderr
    with transaction() as session:
        facts = session.exec(select(Entry).where(Entry.kind == "drill")).all()
        assert [(one.workflow, one.actor) for one in facts] == [(NAME, "noor")]
    assert stops() == []
    assert "limited to 10 %" in taxiway("rollout", "status", "--json").stdout
    settings.cache_clear()
