"""What answers cost and how long they took is read from the ledger, and held to the contract."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from rollout.case import Cost
from rollout.contract import Contract
from rollout.shadow import take_human_decision
from rollout.tallies import tally_of
from tests.rollout.sessions import with_people as session
from tests.rollout.trial import OWNERS, WHEN
from tests.rollout.watching import agreed
from tests.rollout.weeks import decided, watched

__all__ = ["agreed", "session"]  # fixtures

SOON = WHEN + timedelta(hours=1)


@pytest.mark.parametrize(
    ("said", "cheap", "quick"),
    [
        ({"seconds": 30.0, "cost": Cost(amount_millis=10_000)}, 2, 2),
        ({"seconds": 30.1}, 2, 1),
        ({"cost": Cost(amount_millis=10_001)}, 1, 2),
    ],
    ids=["just within both", "late", "dear"],
)
def test_an_answer_beyond_its_budget_is_counted(
    session: Session, agreed: Contract, said: dict[str, object], cheap: int, quick: int
) -> None:
    """The contract's budget is 10 minor units for a case, and 30 seconds."""
    for more in (said, {}):
        case = watched(session, agreed, OWNERS[0], WHEN, said=more)
        take_human_decision(session, agreed, case.id, decided(OWNERS[0], SOON), SOON)
    found = tally_of(session, agreed, "r", SOON)
    assert (found.answered, found.cheap, found.quick) == (2, cheap, quick)


def test_without_a_budget_nothing_is_held_against_it(session: Session, agreed: Contract) -> None:
    free = replace(agreed, budget_minor_per_case=None, answer_within=None)
    found = tally_of(session, free, "r", SOON)
    assert (found.cheap, found.quick) == (None, None)
