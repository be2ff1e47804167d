"""Public data beside a checkout, which is never part of it: a test that reads it may skip."""

from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared"


def fetched(name: str) -> Path:
    """Give a fetched file, or skip where it is absent."""
    file = BESIDE / name
    if not file.exists():
        pytest.skip(f"needs the fetched file {name}")
    return file
