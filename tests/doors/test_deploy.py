"""Another version of the code is deployed while a case waits: what the agent said stands."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.authority import Authority
from rollout.case import Ending
from tests.doors.test_worker import approve
from tests.pilot import Pilot, until

pytestmark = pytest.mark.system

ROOT = Path(__file__).parent.parent.parent
CODE = ("flows", "tasks", "rollout", "integrations")
ASKED = "answer = await agent.propose(question_of(lead, turn, taken), CasePurse(case))"


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy of the code, as another version of it."""
    with tempfile.TemporaryDirectory(prefix="tw-code-", dir="/tmp") as folder:
        for name in CODE:
            shutil.copytree(ROOT / name, Path(folder) / name)
        yield Path(folder)


@pytest.mark.ugly(31)
def test_a_case_that_waits_keeps_its_proposal_when_new_code_is_deployed(
    pilot: Pilot, copy: Path
) -> None:
    steps = copy / "tasks" / "lead_routing.py"
    source = steps.read_text()
    assert ASKED in source
    steps.write_text(
        source.replace(ASKED, f"raise RuntimeError('another version')\n        {ASKED}")
    )
    pilot.at(Authority.RECOMMEND)
    form = pilot.lead()
    event = pilot.send(form)
    review = pilot.review(event)
    worker = pilot.system.parts["worker"]
    before, ready = worker.command, pilot.system.home / "worker.ready"
    start = f"import os, sys; os.chdir({str(copy)!r}); sys.path.insert(0, {str(copy)!r}); "
    try:
        worker.command = [
            sys.executable,
            "-c",
            f"{start}from flows.doors.worker import main; main()",
        ]
        restart(pilot, ready)
        new = pilot.send(pilot.lead())
        approve(review.id)
        case = pilot.ended(event)
        until(lambda: pilot.state_of(pilot.case(new).id) == "FAILED", "the new code fails to ask")
    finally:
        worker.command = before
        restart(pilot, ready)

    assert case.ending == Ending.ACTED
    assert pilot.facts(case.id).count("asked") == 1
    assert len(pilot.writes_to(form["contact_id"])) == 1
    assert pilot.ended(new).ending == Ending.HANDED_OFF


def restart(pilot: Pilot, ready: Path) -> None:
    worker = pilot.system.parts["worker"]
    old = worker.pid or 0
    ready.unlink(missing_ok=True)
    os.kill(old, signal.SIGKILL)
    until(lambda: worker.pid != old and ready.exists(), "another worker is ready")
