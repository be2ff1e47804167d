"""`taxiway demo`, as somebody runs it who has just cloned the project."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from integrations import samples
from tests.doors.test_up import OWN
from tests.pilot import WEBSITE_KEY

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tw-demo-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def own() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in OWN}


@pytest.fixture(scope="module")
def flown(place: Path) -> subprocess.CompletedProcess[str]:
    """A demo in a folder where an earlier one has left something, and with keys of ours set."""
    (place / ".taxiway" / "demo").mkdir(parents=True)
    (place / ".taxiway" / "demo" / "crm.sqlite").write_text("of an earlier demo")
    return subprocess.run(
        [sys.executable, "-m", "flows.doors.cli", "demo", "--json"],
        env={**own(), "TAXIWAY_HOOK_SECRETS": json.dumps({"website": [WEBSITE_KEY]})},
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def summary(flown: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(flown.stdout.splitlines()[-1])
    return content


def test_it_ends_well(flown: subprocess.CompletedProcess[str]) -> None:
    assert flown.returncode == 0, flown.stderr
    assert flown.stdout.count("\n") == 1


def test_everything_is_explained(summary: dict[str, Any]) -> None:
    assert summary["unexplained"] == 0


def test_every_lead_has_its_case_and_every_case_its_ending(summary: dict[str, Any]) -> None:
    flying = [one for one in samples.leads() if one.special != "bad-signature"]

    assert summary["cases"] == len(flying) == sum(summary["endings"].values())
    assert set(summary["endings"]) == {"watched", "acted", "handed_off", "kept"}


def test_a_person_edited_one(
    summary: dict[str, Any], flown: subprocess.CompletedProcess[str]
) -> None:
    assert f"{summary['edited']} waited for a person, who chose" in flown.stderr


def test_it_leaves_nobody(place: Path, flown: subprocess.CompletedProcess[str]) -> None:
    del flown
    folder = str(place / ".taxiway" / "demo")
    assert [p.pid for p in psutil.process_iter() if works_for(p, folder)] == []


def works_for(process: psutil.Process, folder: str) -> bool:
    try:
        return process.environ().get("TAXIWAY_HOME") == folder or folder in process.cwd()
    except psutil.Error:
        return False
