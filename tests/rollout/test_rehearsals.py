"""Every exception was met by a case, or by the people who would have to act on it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from rollout.contract import OF_THE_WORKS, Contract
from rollout.errors import Invalid, NotYours, TaxiwayError, Unknown
from rollout.handoffs import Offered
from rollout.ledger import Entry, remember
from rollout.rehearsals import LASTS, REHEARSED, expected, rehearse, unmet
from tests.rollout.sessions import with_people as session
from tests.rollout.trial import WHEN, a_case, contract

__all__ = ["session"]  # a fixture


OPS = "lena"  #: of the team that owns the process in the sample


@pytest.fixture
def agreed() -> Contract:
    return contract()


def meets(session: Session, agreed: Contract, name: str) -> None:
    """A case meets an exception while its agent only watches."""
    case = a_case(session, agreed)
    remember(
        session,
        workflow=agreed.workflow,
        case_id=case.id,
        step=f"handoff:{name}",
        fact=Offered(
            name=name,
            to="x",
            decide="x",
            because="x",
            otherwise="x",
            due_at=WHEN,
            only_watched=True,
        ),
        actor="taxiway",
        at=WHEN,
    )


def rehearsed(
    session: Session, agreed: Contract, names: Sequence[str], by: str = OPS, because: str = "said"
) -> None:
    rehearse(session, agreed, names, by=by, because=because, now=WHEN)


def test_what_a_case_meets_and_what_people_rehearse_is_met(
    session: Session, agreed: Contract
) -> None:
    every = expected(agreed)
    assert unmet(session, agreed, WHEN) == every

    meets(session, agreed, every[0])
    rehearsed(session, agreed, every[1:3])

    assert unmet(session, agreed, WHEN) == every[3:]


def test_what_no_watched_case_can_meet_is_not_asked_for(agreed: Contract) -> None:
    assert {one.name for one in agreed.exceptions} - {*expected(agreed)} == OF_THE_WORKS


def test_a_rehearsal_counts_for_half_a_year_and_not_before_it_was(
    session: Session, agreed: Contract
) -> None:
    rehearsed(session, agreed, expected(agreed))
    moment = timedelta(seconds=1)
    assert unmet(session, agreed, WHEN - moment) == expected(agreed)
    assert unmet(session, agreed, WHEN + LASTS - moment) == ()
    assert unmet(session, agreed, WHEN + LASTS) == expected(agreed)


@pytest.mark.parametrize(
    ("names", "by", "because", "error", "says"),
    [
        (["incomplete", "blockd"], OPS, "said", Unknown, "did you mean blocked?"),
        (["incomplete", "no-consent"], "karim", "said", NotYours, "karim is not one of them"),
        (["incomplete"], OPS, " ", Invalid, "how it was rehearsed"),
    ],
    ids=["not declared", "not theirs", "no word"],
)
def test_what_is_wrong_in_a_rehearsal_is_said_and_nothing_is_noted(
    session: Session,
    agreed: Contract,
    names: Sequence[str],
    by: str,
    because: str,
    error: type[TaxiwayError],
    says: str,
) -> None:
    with pytest.raises(error, match=says), session.begin_nested():
        rehearsed(session, agreed, names, by, because)
    noted = select(Entry).where(Entry.workflow == agreed.workflow, Entry.kind == REHEARSED)
    assert session.exec(noted).all() == []


def test_whoever_receives_it_may_rehearse_it(session: Session, agreed: Contract) -> None:
    rehearsed(session, agreed, ["no-consent"], by="ruth")
    assert "no-consent" not in unmet(session, agreed, WHEN)
