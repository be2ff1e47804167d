"""The hardship, in small: half a minute of random kills."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.system


def test_after_half_a_minute_of_kills_every_lead_has_its_ending_and_no_write_is_doubled() -> None:
    words = ["--minutes", "0.5", "--leads", "20", "--every", "5", "--json"]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.hardship", *words],
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )
    assert ran.stdout, ran.stderr[-4000:]
    assert ran.stdout.splitlines()[-1].startswith("{"), ran.stderr[-3_000:]
    found = json.loads(ran.stdout.splitlines()[-1])

    assert (found["leads"], found["ended"]) == (20, 20), found
    assert [found[one] for one in ("lost", "doubled", "stuck", "orphans")] == [0] * 4, found
    assert sum(found["kills"].values()) >= 3
    assert ran.returncode == 0
