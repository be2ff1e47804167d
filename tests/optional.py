"""What a test may need and a machine may lack: it then skips, but fails where all is required."""

import os
from typing import NoReturn

import pytest


def need(there: object, what: str) -> None:
    """Go on where `there` is true; else skip, or fail when TAXIWAY_REQUIRE_ALL is set."""
    if not there:
        lack(what)


def lack(what: str) -> NoReturn:
    """Skip for want of something, or fail when TAXIWAY_REQUIRE_ALL is set."""
    if os.environ.get("TAXIWAY_REQUIRE_ALL"):
        pytest.fail(f"required here, and missing: {what}")
    pytest.skip(f"needs {what}")
