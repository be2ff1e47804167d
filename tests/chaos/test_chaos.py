"""The fault programme itself, as it is run by hand."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.system


def test_a_hundred_kills_lose_nothing_and_double_nothing() -> None:
    words = [sys.executable, "-m", "tests.chaos", "--kills", "100", "--json"]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert ran.stdout.splitlines()[-1].startswith("{"), ran.stderr[-3_000:]
    found = json.loads(ran.stdout.splitlines()[-1])

    assert found["in_gap"] >= 30, found
    assert [found[name] for name in ("lost", "doubled", "stuck", "failed", "unattended")] == [0] * 5
    assert ran.returncode == 0
