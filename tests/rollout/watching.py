"""An agent that watches, and the request that leads it to recommend; import its fixtures."""

from datetime import datetime

import pytest
from sqlmodel import Session

from rollout.authority import Authority
from rollout.contract import Contract
from rollout.gates import Policy
from rollout.grants import change
from rollout.people import Directory, read_directory
from rollout.rising import ask_to_rise
from tests.rollout.trial import WHEN, contract
from tests.rollout.weeks import weeks


@pytest.fixture
def people(session: Session) -> Directory:
    return read_directory(session)


@pytest.fixture
def agreed(session: Session) -> Contract:
    """A contract whose agent watches."""
    made = contract()
    change(session, made, Authority.SHADOW, by="ines", because="first look", now=WHEN)
    return made


def ready(session: Session, agreed: Contract) -> tuple[int, datetime]:
    """Let two weeks pass, and ask for the next level; gives the request and its moment."""
    at = weeks(session, agreed)
    row = ask_to_rise(session, agreed, Policy(), by="ines", because="good", now=at)
    assert row.id is not None
    return row.id, at
