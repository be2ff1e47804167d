"""The directory on the command line: imported, listed, exported; deadlines with their reasons."""

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from rollout.business_time import Business
from rollout.contract import Handoff
from rollout.handoffs import Offered, offer
from rollout.people import let_count, read_directory
from rollout.people_sheet import parse
from tests.doors.terminal import taxiway
from tests.rollout.trial import a_case, contract

SAMPLE = samples.sheet("people.toml")


@pytest.fixture(autouse=True)
def as_before(database: str) -> Iterator[None]:
    """Leave the directory as it was."""
    del database
    with transaction() as session:
        before = read_directory(session)
    yield
    with transaction() as session:
        let_count(session, before, by="a test", now=now())


def test_it_is_imported_listed_and_exported_again() -> None:
    assert taxiway("people", "import", str(SAMPLE)).returncode == 0
    exported = taxiway("people", "export").stdout
    listed = json.loads(taxiway("people", "--json").stdout)

    assert parse(exported) == parse(SAMPLE.read_text())
    assert listed[0]["group"] == "vp-sales"
    assert listed[0]["members"] == "Ines Falk"


def test_a_preview_and_a_bad_file_change_nothing(tmp_path: Path) -> None:
    taxiway("people", "import", str(SAMPLE))
    other = tmp_path / "other.toml"
    other.write_text('[people.ann]\nname = "Ann"\n')
    seen = taxiway("people", "import", str(other), "--preview")
    other.write_text('[people.ann]\nnick = "Ann"\n')
    refused = taxiway("people", "import", str(other))
    with transaction() as session:
        directory = read_directory(session)

    assert "person ines goes" in seen.stdout
    assert "! lead-routing: the business owner is vp-sales, and nobody is called so" in seen.stdout
    assert (refused.returncode, "nick is unknown" in refused.stderr) == (1, True)
    assert directory == parse(SAMPLE.read_text())


def test_a_deadline_is_said_with_its_reasons() -> None:
    taxiway("people", "import", str(SAMPLE))
    words = ["calendar", "due", "--group", "sales-desk", "--from", "2026-12-23T16:55+01:00"]
    said = taxiway(*words, "--business-days", "2")

    assert said.stdout.splitlines() == [
        "2026-12-28T17:00:00Z",
        "  starts on Wed 2026-12-23",
        "  Fri 2026-12-25 does not count: Christmas Day",
        "  2 business days after Wed 2026-12-23: Mon 2026-12-28, 18:00",
    ]
    told = json.loads(taxiway(*words, "--business-hours", "2", "--json").stdout)
    assert told[0]["due"] == "2026-12-24T07:55:00+00:00"


def test_the_hosts_user_is_the_person_with_that_login(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    me = f'[people.kim]\nname = "Kim"\nlogin = "{getpass.getuser()}"\n'
    mine.write_text(f'{me}[groups.sales-desk]\nmembers = ["kim"]\n')
    taxiway("people", "import", str(mine))
    agreed = contract()
    with transaction() as session:
        case = a_case(session, agreed)
        handoff = Handoff("unsure", "w", "sales-desk", "d", Business(hours=1), "boss")
        offered = Offered(
            name="unsure", to="sales-desk", decide="d", because="b", otherwise="boss", due_at=now()
        )
        offer(session, agreed.workflow, case.id, handoff, offered, now())
    accepted = taxiway("handoff", "accept", case.id)
    listed = json.loads(taxiway("handoffs", "--for", "me", "--overdue", "--json").stdout)
    done = taxiway("handoff", "done", f"{case.id}/unsure")
    twice = taxiway("handoff", "done", case.id)

    assert accepted.stdout.startswith(f"{case.id}/unsure is kim's.")
    assert (f"{case.id}/unsure", "accepted by kim") in {
        (one["handoff"], one["state"]) for one in listed
    }
    assert (done.returncode, twice.returncode, "was done by kim" in twice.stderr) == (0, 1, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--group", "nobody", "--from", "2026-12-23T16:55+01:00"), "no group or person nobody"),
        (("--group", "sales-desk", "--from", "yesterday"), "--from yesterday: write it like"),
        (("--group", "sales-desk", "--from", "2026-12-23T16:55"), "needs a time zone"),
    ],
)
def test_what_cannot_be_answered_is_told(words: tuple[str, ...], says: str) -> None:
    taxiway("people", "import", str(SAMPLE))
    said = taxiway("calendar", "due", *words, "--business-days", "1")
    assert (said.returncode, says in said.stderr) == (1, True)
