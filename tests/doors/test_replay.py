"""An agent against history, from the terminal: what passes, what is refused, and why."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from flows.doors.sheets import bring, put_all_in_force
from integrations import samples
from integrations.clock import now
from rollout.territories import Kind
from tests.doors.terminal import taxiway

RULES = """
def propose(row):
    return ("big" if int(row["size"]) >= 100 else "small"), 0.9

def constant(row):
    return "small", 0.99

def peek(row):
    return row["human"], 1.0

def silent(row):
    return None

def broken(row):
    raise KeyError("size_of_company")

def sometimes(row):
    return 1 / (int(row["size"]) % 3) and "small", 0.5

def odd(row):
    return "small", 7

def words(row):
    return "small"
"""


@pytest.fixture
def agent(tmp_path: Path) -> str:
    file = tmp_path / "agent.py"
    file.write_text(RULES)
    return f"{file}:propose"


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """600 cases over 20 days, half of them big; people differ from the rule in one of 15."""
    file = tmp_path / "cases.csv"
    with file.open("w", newline="") as out:
        sheet = csv.writer(out)
        sheet.writerow(["id", "size", "human", "at", "segment"])
        for n in range(600):
            size = 50 if n % 2 else 150
            human = "big" if (size >= 100) is (n % 15 != 0) else "small"
            at = f"2026-10-{1 + n // 30:02}T{n % 24:02}:00:00+00:00"
            sheet.writerow([n, size, human, at, "SMB" if n % 4 else "ENT"])
    return file


def run(*words: str) -> CompletedProcess[str]:
    return taxiway("replay", *words)


def said(*words: str) -> dict[str, Any]:
    ran = run(*words, "--json")
    assert ran.returncode == 0, ran.stderr
    (line,) = ran.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_good_agent_passes_and_says_so_on_one_line(cases: Path, agent: str) -> None:
    found = said("--cases", str(cases), "--human", "human", "--agent", agent, "--time", "at")

    assert found["verdict"] == "pass"
    assert (found["cases"], found["compared"]) == (600, 600)
    assert found["agreement"] == pytest.approx(560 / 600)
    assert {one["status"] for one in found["gates"].values()} == {"pass"}
    assert set(found["gates"]) == {"units", "days", "coverage", "agreement", "better_than_constant"}
    assert found["because"] == []


def test_a_bad_agent_is_refused_with_the_reasons(cases: Path, agent: str) -> None:
    constant = agent.replace(":propose", ":constant")
    ran = run("--cases", str(cases), "--human", "human", "--agent", constant, "--check")

    assert ran.returncode == 1
    assert "It would stay in shadow" in ran.stdout
    assert "- agreement: it agrees in 300 of 600" in " ".join(ran.stdout.split())


def test_the_agent_never_sees_what_people_answered(cases: Path, agent: str) -> None:
    peek = agent.replace(":propose", ":peek")
    ran = run("--cases", str(cases), "--human", "human", "--agent", peek)
    assert (ran.returncode, "KeyError: 'human'" in ran.stderr) == (1, True)
    hidden = run("--cases", str(cases), "--human", "human", "--agent", agent, "--hide", "size")
    assert "KeyError: 'size'" in hidden.stderr


def test_silence_is_not_coverage(cases: Path, agent: str) -> None:
    silent = agent.replace(":propose", ":silent")
    found = said("--cases", str(cases), "--human", "human", "--agent", silent)
    assert found["gates"]["coverage"]["status"] == "fail"
    assert (found["verdict"], found["agreement"]) == ("refused", None)


def test_an_agent_that_breaks_now_and_then_is_told(cases: Path, agent: str) -> None:
    file = cases.read_text().replace(",150,", ",151,").replace(",50,", ",52,")
    cases.write_text(file.replace(",151,", ",150,", 1))
    sometimes = agent.replace(":propose", ":sometimes")
    found = said("--cases", str(cases), "--human", "human", "--agent", sometimes)
    assert any("it broke on 1 rows" in note for note in found["notes"])


def test_a_segment_that_fails_alone_holds_it_back(cases: Path, agent: str) -> None:
    worse = cases.read_text().replace("big,", "BIG-ISH,", 200)
    lines = [
        line.replace("BIG-ISH", "big") if line.endswith("SMB") else line
        for line in worse.splitlines()
    ]
    cases.write_text("\n".join(lines))
    found = said(
        "--cases", str(cases), "--human", "human", "--agent", agent, "--segment", "segment"
    )
    assert found["gates"]["worst_segment"]["status"] == "fail"
    assert "segment ENT" in found["gates"]["worst_segment"]["because"]


def test_harm_is_judged_where_somebody_says_what_does_harm(cases: Path, agent: str) -> None:
    words = ("--cases", str(cases), "--human", "human", "--agent", agent)
    found = said(*words, "--harmful", "big=small")
    assert found["gates"]["harm"]["status"] == "inconclusive"
    assert found["verdicts"]["harmful"] == 20
    assert said(*words, "--harmful", "big=never")["gates"]["harm"]["status"] == "pass"


def test_other_bars_come_from_a_file(cases: Path, agent: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("agreement = 0.95\n")
    found = said(
        "--cases", str(cases), "--human", "human", "--agent", agent, "--policy", str(policy)
    )
    assert found["gates"]["agreement"]["status"] in {"inconclusive", "fail"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--human", "nobody"], "the column nobody is missing; there are: id, size, human"),
        (["--human", "human", "--unit", "customer"], "the column customer is missing"),
        (["--human", "human", "--time", "size"], "'150' in size is no time"),
        (["--human", "human", "--policy", "/nowhere"], "cannot be read"),
        (["--human", "human", "--harmful", "x"], "is not PROPOSED=HUMAN"),
        (["--human", "human", "--tolerance", "-1"], "not below 0"),
    ],
)
def test_a_question_that_cannot_be_is_refused(
    cases: Path, agent: str, words: Sequence[str], says: str
) -> None:
    ran = run("--cases", str(cases), "--agent", agent, *words)
    assert (ran.returncode, says in ran.stderr) == (1, True), ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.splitlines()[0] + "\n", "it has no rows"),
        (lambda text: "", "is missing"),
        (lambda text: text.replace("human", "size", 1), "the column human is missing"),
        (lambda text: text + "1,2\n", "2 cells, but the header names 5"),
        (lambda text: text.replace("+00:00", "", 5), "some have none"),
        (lambda text: "id,size,human,at,segment\n1,5,,2026-10-01,x\n", "nobody's answer stands"),
    ],
    ids=["no rows", "empty", "no column", "short row", "zones", "no answers"],
)
def test_a_sheet_that_cannot_be_read_says_where(
    cases: Path, agent: str, change: Any, says: str
) -> None:
    cases.write_text(change(cases.read_text()))
    ran = run("--cases", str(cases), "--human", "human", "--agent", agent, "--time", "at")
    assert (ran.returncode, says in ran.stderr) == (1, True), ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", "it has no function nothing"),
        ("broken", "the agent breaks on"),
        ("odd", "not between 0 and 1"),
        ("words", "as a pair"),
    ],
)
def test_an_agent_that_cannot_be_used_says_why(
    cases: Path, agent: str, name: str, says: str
) -> None:
    broken = agent.replace(":propose", f":{name}")
    ran = run("--cases", str(cases), "--human", "human", "--agent", broken)
    assert (ran.returncode, says in ran.stderr) == (1, True), ran.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "either --agent FILE.py:propose or --workflow"),
        (["--agent", "nowhere.py:propose"], "there is no such file"),
        (["--agent", "agent"], "is not FILE.py:FUNCTION"),
        (["--workflow", "lead-rooting"], "did you mean lead-routing?"),
    ],
)
def test_without_an_agent_it_asks_for_one(cases: Path, words: Sequence[str], says: str) -> None:
    ran = run("--cases", str(cases), "--human", "human", *words)
    assert (ran.returncode, says in ran.stderr) == (1, True), ran.stderr


def test_copies_are_left_out_and_told(cases: Path, agent: str) -> None:
    text = cases.read_text()
    cases.write_text(text + text.splitlines()[1] + "\n")
    found = said("--cases", str(cases), "--human", "human", "--agent", agent, "--time", "at")
    assert found["cases"] == 600
    assert "1 rows are copies of others, and were left out" in found["notes"]


def test_without_unit_or_time_what_looks_alike_may_be_two(cases: Path, agent: str) -> None:
    text = cases.read_text()
    cases.write_text(text + text.splitlines()[1] + "\n")
    found = said("--cases", str(cases), "--human", "human", "--agent", agent)
    assert found["cases"] == 601
    assert any(one.startswith("1 rows are copies of others, and count") for one in found["notes"])


@pytest.fixture
def roster(database: str) -> None:
    """The sample roster, in force."""
    del database
    files = {kind: samples.sheet(f"{kind}.csv") for kind in (Kind.ROSTER, Kind.TERRITORIES)}
    put_all_in_force(bring(files, owners=None), valid_from=now().date(), by="ann")


@pytest.mark.usefixtures("roster")
def test_a_workflows_own_agent_flies_over_the_samples() -> None:
    file = samples.sheet("history.csv")
    found = said("--cases", str(file), "--human", "human", "--workflow", "lead-routing")
    assert found["cases"] == 240
    assert found["agreement"] > 0.5
    assert found["gates"]["better_than_constant"]["status"] == "pass"


# On real decisions of people, where they were fetched
