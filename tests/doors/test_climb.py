"""The climb from the terminal: from a sheet of what people decided to two signatures, and down."""

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from flows.contracts.lead_routing import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Authority
from rollout.grants import change
from rollout.ledger import call_it
from rollout.rehearsals import expected
from tests.doors.terminal import database_of_its_own, taxiway
from tests.rollout.weeks import HUMANS, watched

NAME = CONTRACT.workflow


@pytest.fixture(scope="module")
def apart(database: str) -> Iterator[str]:
    """A database of its own, in which lead routing's agent has watched for three weeks."""
    with database_of_its_own(database, "climb") as own:
        with transaction() as session:
            first = "first look"
            change(session, CONTRACT, Authority.SHADOW, by="ines", because=first, now=now())
        yield own


def decided(file: Path, *, n: int = 130, start: int = 0, wrong: int = 3) -> Path:
    """A sheet of what people decided on watched cases over three weeks."""
    with transaction() as session, file.open("w", newline="") as out:
        sheet = csv.writer(out)
        sheet.writerow(["contact", "owner", "decided_at"])
        for one in range(start, start + n):
            at = now() - timedelta(days=21) * (1 - (one - start) / n)
            human = HUMANS[one % 3]
            proposed = HUMANS[(one + 1) % 3] if one - start < wrong else human
            case = watched(session, CONTRACT, proposed, at - timedelta(minutes=5))
            call_it(session, case.id, [("contact", f"7{one:05}")])
            sheet.writerow([f"7{one:05}", human, at.isoformat()])
    return file


def test_from_a_sheet_over_the_gates_to_two_signatures_and_down_again(
    apart: str, tmp_path: Path
) -> None:
    del apart
    before = taxiway("rollout", "why-not", NAME)
    for why in ("nothing was compared", "cost: there is no answer", "latency: there is no"):
        assert why in before.stdout
    refused = taxiway("rollout", "request", NAME, "--because", "now")
    assert (refused.returncode, "may not rise to recommend" in refused.stderr) == (1, True)
    by_hand = taxiway("rollout", "set", NAME, "recommend", "--because", "x")
    assert (by_hand.returncode, "rests on evidence" in by_hand.stderr) == (1, True)

    sheet = decided(tmp_path / "decided.csv")
    words = ("--case", "contact", "--human", "owner=owner", "--at", "decided_at")
    taken = taxiway("shadow", "import", NAME, str(sheet), *words, "--json")
    assert json.loads(taken.stdout)["verdicts"] == {"different": 3, "equal": 127}
    again = json.loads(taxiway("shadow", "import", NAME, str(sheet), *words, "--json").stdout)
    assert again["verdicts"] == {"different": 3, "equal": 127}  # known: nothing is counted twice

    held = " ".join(taxiway("rollout", "why-not", NAME).stdout.split())
    assert "exceptions: 0 of 16 kinds were met or rehearsed; not yet: incomplete," in held
    ours = ("--because", "at the Monday table", "--as", "lena")
    kinds = [*expected(CONTRACT)]
    most = taxiway("rollout", "rehearse", NAME, *kinds[1:], *ours)
    assert "not met yet: incomplete" in most.stdout
    rest = taxiway("rollout", "rehearse", NAME, kinds[0], *ours)
    assert "every kind was met or rehearsed" in rest.stdout
    gates = json.loads(taxiway("rollout", "gates", NAME, "--json").stdout)
    assert {one["status"] for one in gates} == {"pass"}
    told = json.loads(taxiway("rollout", "why-not", NAME, "--json").stdout)
    assert (told["status"], told["because"], told["next"]) == ("pass", [], "recommend")
    drawn = tmp_path / "course.svg"
    said = taxiway("rollout", "simulate", NAME, "--svg", str(drawn), "--json")
    assert json.loads(said.stdout)["ready_after"] == 130
    assert drawn.read_text().startswith("<svg")

    asked = taxiway("rollout", "request", NAME, "--because", "three weeks", "--as", "ines")
    assert "Request 1: lead-routing to recommend" in asked.stdout
    assert taxiway("rollout", "sign", NAME, "1", "--as", "karim").returncode == 1
    (waits,) = json.loads(taxiway("rollout", "requests", "--json").stdout)
    assert (waits["request"], waits["to"], waits["missing"]) == (
        1,
        "recommend",
        "vp-sales, risk-office",
    )
    first = taxiway("rollout", "sign", NAME, "1", "--as", "ines")
    assert "vp-sales" not in taxiway("rollout", "requests").stdout
    assert "one more signature is missing" in first.stdout
    last = taxiway("rollout", "sign", NAME, "1", "--as", "ruth")
    assert "lead-routing is now recommend (revision 2)" in last.stdout
    over = taxiway("rollout", "sign", NAME, "1", "--as", "ruth")
    assert (over.returncode, "is applied: ask again" in over.stderr) == (1, True)
    assert taxiway("rollout", "requests").stdout == "No request waits.\n"

    fell = taxiway("rollout", "fall", NAME, "--because", "wrong owners", "--as", "kim")
    assert "is now shadow" in fell.stdout
    shut = taxiway("rollout", "why-not", NAME)
    assert "nobody said why" in shut.stdout
    (leads, renewals) = json.loads(taxiway("rollout", "status", "--json").stdout)
    assert ("nobody said why" in leads["frozen"], renewals["frozen"]) == (True, "")
    mended = taxiway("rollout", "acknowledge", NAME, "--cause", "an old sheet", "--as", "noor")
    assert "no rise before" in mended.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("shadow", "import", NAME, "/nowhere.csv", "--case", "c", "--human", "owner=o"),
            "no such",
        ),
        (("rollout", "power", NAME, "--per-week", "0"), "above 0"),
        (("rollout", "power", NAME, "--per-week", "9", "--agreement", "2"), "a share from 0 to 1"),
        (("rollout", "sign", NAME, "99"), "there is no request 99"),
        (
            ("rollout", "set", NAME, "limited", "--because", "x", "--without-evidence"),
            "limited to what? --percent 10",
        ),
        (
            ("rollout", "rehearse", NAME, "blockd", "--because", "x", "--as", "lena"),
            "did you mean blocked?",
        ),
        (
            ("rollout", "rehearse", NAME, "blocked", "--because", "x", "--as", "karim"),
            "karim is not one of them",
        ),
        (("rollout", "fall", NAME, "--because", "x", "--severity", "S7"), "known: S1, S2, S3"),
        (("rollout", "simulate", NAME, "--policy", "/nowhere"), "cannot be read"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    apart: str, words: tuple[str, ...], says: str
) -> None:
    del apart
    ran = taxiway(*words)
    assert (ran.returncode, says in ran.stderr) == (1, True), ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("contact,owner\nL-999999,x\n", "there is no case L-999999"),
        ("contact,colour\n700001,blue\n", "the column owner is missing"),
        ("contact,owner,decided_at\n700001,x,yesterday\n", "'yesterday' is no time"),
    ],
)
def test_a_sheet_with_a_wrong_line_is_taken_not_at_all(
    apart: str, tmp_path: Path, rows: str, says: str
) -> None:
    del apart
    file = tmp_path / "decided.csv"
    file.write_text(rows)
    words = ["--case", "contact", "--human", "owner=owner"]
    words += ["--at", "decided_at"] if "decided_at" in rows else []
    ran = taxiway("shadow", "import", NAME, str(file), *words)
    assert (ran.returncode, says in ran.stderr) == (1, True), ran.stderr


def test_power_says_what_cannot_pass(apart: str) -> None:
    del apart
    words = ("--per-week", "5", "--agreement", "0.82", "--constant", "0.97")
    found = taxiway("rollout", "power", NAME, *words)
    assert "cannot pass" in " ".join(found.stdout.split())
    assert "a respectable answer" in found.stdout


def test_a_real_system_needs_a_security_review_before_anything_is_written_there(
    apart: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del apart
    monkeypatch.setenv("TAXIWAY_CRM_URL", "https://api.crm.example")
    other = "renewal-risk"
    assert taxiway("rollout", "set", other, "shadow", "--because", "first look").returncode == 0
    rise = ("rollout", "set", other, "recommend", "--because", "x", "--without-evidence")
    refused = taxiway(*rise)
    assert "no security review of its credentials is on record" in refused.stderr
    agree = ("contract", "agree", other, "credentials", "--because", "owner scopes only")
    assert "is risk-office's to agree to" in taxiway(*agree, "--as", "noor").stderr
    assert taxiway(*agree, "--as", "ruth").returncode == 0
    assert "is now recommend" in taxiway(*rise).stdout
    assert "without evidence: x" in taxiway("rollout", "history", other, "--json").stdout
