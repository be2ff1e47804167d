"""A stop holds at once and for everything; nothing comes back above shadow."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session

from integrations.database import engine
from rollout.authority import Authority, Grant
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.grants import change, current, history, revive
from rollout.halts import EVERY, halt
from tests.rollout.trial import WHEN, contract


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """What a test stops is rolled back: a stop of everything would stop the other tests too."""
    with Session(engine(database)) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    for level in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED):
        change(session, made, level, by="ann", because="here", now=WHEN)
    return made


def stop(session: Session, scope: str) -> bool:
    return halt(session, scope, by="kim", because="it harms", now=WHEN)


def end(session: Session, agreed: Contract, scope: str, because: str = "mended") -> list[Grant]:
    return revive(session, [agreed], scope, by="lee", because=because, now=WHEN)


@pytest.mark.parametrize("everything", [True, False])
def test_a_halted_agent_is_off_and_one_sees_why(
    session: Session, agreed: Contract, *, everything: bool
) -> None:
    stop(session, EVERY if everything else agreed.workflow)
    grant = current(session, agreed.workflow)

    assert grant.authority is Authority.OFF
    assert str(grant) == "halted (kim: it harms)"


def test_a_stop_of_one_leaves_the_others(session: Session, agreed: Contract) -> None:
    stop(session, contract().workflow)

    assert current(session, agreed.workflow).authority is Authority.LIMITED


def test_a_revival_ends_at_shadow(session: Session, agreed: Contract) -> None:
    stop(session, agreed.workflow)

    assert [str(one) for one in end(session, agreed, agreed.workflow)] == ["shadow"]
    assert history(session, agreed.workflow)[-1].because == "revived: mended"


def test_a_revival_of_all_does_not_end_a_stop_of_one(session: Session, agreed: Contract) -> None:
    stop(session, agreed.workflow)
    stop(session, EVERY)

    assert end(session, agreed, EVERY)[0].halted
    assert end(session, agreed, agreed.workflow)[0].authority is Authority.SHADOW


def test_what_was_at_shadow_comes_back_as_it_was(session: Session, agreed: Contract) -> None:
    change(session, agreed, Authority.OFF, by="ann", because="down", now=WHEN)
    stop(session, agreed.workflow)

    assert end(session, agreed, agreed.workflow)[0].authority is Authority.OFF


def test_stopping_twice_is_one_stop(session: Session, agreed: Contract) -> None:
    assert stop(session, agreed.workflow)
    assert not stop(session, agreed.workflow)


def test_nobody_climbs_while_it_is_halted(session: Session, agreed: Contract) -> None:
    stop(session, agreed.workflow)

    with pytest.raises(Invalid, match="`taxiway rollout revive"):
        change(session, agreed, Authority.SHADOW, by="ann", because="up", now=WHEN)


def test_both_need_a_reason(session: Session, agreed: Contract) -> None:
    with pytest.raises(Invalid, match="a stop needs a reason"):
        halt(session, agreed.workflow, by="kim", because=" ", now=WHEN)
    stop(session, agreed.workflow)
    with pytest.raises(Invalid, match="a revival needs a reason"):
        end(session, agreed, agreed.workflow, because="")


def test_what_is_not_halted_cannot_be_revived(session: Session, agreed: Contract) -> None:
    with pytest.raises(Invalid, match="is not halted"):
        end(session, agreed, agreed.workflow)
