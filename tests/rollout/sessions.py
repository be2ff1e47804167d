"""A session for a test, which leaves nothing behind; import one of them as `session`."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import Session

from integrations.database import transaction
from rollout.people import let_count
from rollout.people_sheet import parse
from tests.rollout.test_people import SAMPLE
from tests.rollout.trial import WHEN


@pytest.fixture
def plain(database: str) -> Iterator[Session]:
    del database
    with transaction() as opened:
        yield opened
        opened.rollback()


@contextmanager
def people_for(database: str) -> Iterator[Session]:
    """Open one in which the sample's people count."""
    del database
    with transaction() as opened:
        let_count(opened, parse(SAMPLE), by="a test", now=WHEN)
        yield opened
        opened.rollback()


@pytest.fixture
def with_people(database: str) -> Iterator[Session]:
    """The sample's people count in it."""
    with people_for(database) as opened:
        yield opened
