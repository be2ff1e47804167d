"""The sample's people, for as long as a test lasts."""

from collections.abc import Iterator

import pytest

from integrations import samples
from integrations.clock import now
from integrations.database import transaction
from rollout.people import let_count, read_directory
from rollout.people_sheet import parse
from tests.pilot import Pilot


@pytest.fixture
def staff(pilot: Pilot) -> Iterator[None]:
    """Let them count, and afterwards whoever did before."""
    del pilot
    with transaction() as session:
        before = read_directory(session)
        let_count(session, parse(samples.sheet("people.toml").read_text()), by="a test", now=now())
    yield
    with transaction() as session:
        let_count(session, before, by="a test", now=now())
