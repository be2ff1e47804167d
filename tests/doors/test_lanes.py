"""A lane carries out a run warm, and with no observer of its own."""

import os
import subprocess
import sys

import pytest

from tests.pilot import Pilot

pytestmark = pytest.mark.system


@pytest.mark.parametrize("observe", [False, True])
def test_prefects_observer_watches_a_run_only_where_it_is_wanted(
    pilot: Pilot, *, observe: bool
) -> None:
    """Guards the way round it, which leans on the order of calls inside Prefect's engine."""
    env = {**os.environ, **pilot.system.env(), "TAXIWAY_OBSERVE_SUSPENSION": str(observe)}
    said = subprocess.run(
        [sys.executable, "-m", "tests.flows.watched"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout

    assert "MainThread" in said
    assert ("observer" in said) is observe
