"""Everything is killed while cases wait for people, in small."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.system


@pytest.mark.ugly(32)
def test_what_waited_before_everything_was_killed_waits_after_and_is_decided_once() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.hardship.waiting", "--cases", "25", "--json"],
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )
    assert ran.stdout, ran.stderr[-4000:]
    assert ran.stdout.splitlines()[-1].startswith("{"), ran.stderr[-3_000:]
    found = json.loads(ran.stdout.splitlines()[-1])

    assert [found[one] for one in ("before", "after", "ended", "written")] == [25] * 4, found
    assert [found[one] for one in ("lost", "doubled", "stuck", "orphans")] == [0] * 4, found
    assert ran.returncode == 0
