"""A third person says who is right and is not told whose is whose; a second one answers too."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from rollout.authority import Authority
from rollout.buckets import BUCKETS
from rollout.case import Case
from rollout.compared import ComparedRow
from rollout.contract import Contract
from rollout.errors import Conflict, Invalid, NotYours, Unknown
from rollout.opinions import (
    SAMPLE,
    Kind,
    OpinionRow,
    Side,
    agents_side,
    open_opinions,
    people_agree,
    take_opinion,
)
from rollout.people import Directory
from rollout.track_record import track_record
from tasks.opinions import shown as read
from tests.rollout.reviewed import HOUR, blind
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb
from tests.rollout.trial import OWNERS, WHEN, contract
from tests.rollout.watching import people

__all__ = ["people", "session"]  # fixtures

LATER = WHEN + HOUR
END = WHEN + timedelta(days=1)


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    climb(session, made, Authority.RECOMMEND)
    return made


@pytest.fixture
def differs(session: Session, agreed: Contract) -> tuple[Case, OpinionRow]:
    """A case in which karim chose another owner, blind."""
    case = blind(session, agreed, LATER, agrees=False)
    return case, session.get_one(OpinionRow, f"O-{case.id}-{Kind.WHO_IS_RIGHT}")


def judged(session: Session, case: Case) -> str:
    return session.exec(select(ComparedRow.judged).where(ComparedRow.case_id == case.id)).one()


def test_the_two_answers_are_shown_without_their_names(
    session: Session, agreed: Contract, differs: tuple[Case, OpinionRow]
) -> None:
    case, row = differs
    found = read(session, agreed, row).lines()
    sides = {found["first"], found["second"]}
    assert sides == {f"owner: {one}" for one in OWNERS}
    agents = agents_side(agreed.workflow, case.id)
    assert found[agents.value] == f"owner: {OWNERS[0]}"
    assert "agent" not in "".join(found.values())


def test_the_agent_is_on_either_side() -> None:
    sides = [agents_side("w", f"L-{n}") for n in range(400)]
    assert 150 < sides.count(Side.FIRST) < 250


@pytest.mark.parametrize("who", ["agent", "human", "both", "neither"])
def test_what_the_third_person_says_counts_for_whoever_it_was(
    session: Session,
    people: Directory,
    agreed: Contract,
    differs: tuple[Case, OpinionRow],
    who: str,
) -> None:
    case, row = differs
    agents = agents_side(agreed.workflow, case.id)
    other = Side.SECOND if agents is Side.FIRST else Side.FIRST
    side = {"agent": agents, "human": other}.get(who) or Side(who)
    before = track_record(session, agreed, "r", END)
    take_opinion(session, people, agreed, row.id, by="sofia", side=side, now=END)
    after = track_record(session, agreed, "r", END)

    assert (before.pending, list(before.differences)) == (1, [-1.0])
    assert judged(session, case) == who
    assert (after.pending, list(after.differences)) == (
        0,
        [{"agent": 1.0, "human": -1.0}.get(who, 0.0)],
    )
    early = track_record(session, agreed, "r", LATER)  # as it was known then
    assert list(early.differences) == [-1.0]


def test_whoever_decided_it_is_not_asked_and_nobody_from_outside(
    session: Session, people: Directory, agreed: Contract, differs: tuple[Case, OpinionRow]
) -> None:
    case, row = differs
    for by, says in (("karim", "karim decided"), ("ruth", "is for sales-desk, and ruth")):
        with pytest.raises(NotYours, match=says):
            take_opinion(session, people, agreed, row.id, by=by, side=Side.FIRST, now=END)
    assert judged(session, case) == ""


def test_the_first_word_stands(
    session: Session, people: Directory, agreed: Contract, differs: tuple[Case, OpinionRow]
) -> None:
    case, row = differs
    take_opinion(session, people, agreed, row.id, by="sofia", side=Side.BOTH, now=END)
    with pytest.raises(Conflict, match="was answered by sofia"):
        take_opinion(session, people, agreed, row.id, by="sofia", side=Side.NEITHER, now=END)
    assert judged(session, case) == "both"
    assert open_opinions(session, agreed.workflow, 10) == [
        one for one in open_opinions(session, agreed.workflow) if one.kind == Kind.SECOND
    ]


def test_a_word_of_the_other_kind_is_refused(
    session: Session, people: Directory, agreed: Contract, differs: tuple[Case, OpinionRow]
) -> None:
    _, row = differs
    with pytest.raises(Invalid, match="asks who is right"):
        take_opinion(session, people, agreed, row.id, by="sofia", answer={"owner": "x"}, now=END)
    with pytest.raises(Unknown, match="no opinion O-0"):
        take_opinion(session, people, agreed, "O-0", by="sofia", side=Side.BOTH, now=END)


def test_of_a_sample_a_second_person_gives_an_answer_of_their_own(
    session: Session, people: Directory, agreed: Contract
) -> None:
    count = 0
    while not (rows := open_opinions(session, agreed.workflow)):
        blind(session, agreed, LATER)
        count += 1
    assert rows[0].kind == Kind.SECOND
    found = read(session, agreed, rows[0]).lines()
    assert "first" not in found
    assert OWNERS[0] not in "".join(found.values())
    with pytest.raises(Invalid, match="asks for an answer of your own"):
        take_opinion(session, people, agreed, rows[0].id, by="sofia", side=Side.BOTH, now=END)
    said = {"owner": OWNERS[0].upper()}
    taken = take_opinion(session, people, agreed, rows[0].id, by="sofia", answer=said, now=END)
    first = session.exec(
        select(ComparedRow.answer).where(ComparedRow.case_id == taken.case_id)
    ).one()
    assert taken.answer == {"key": first}
    assert BUCKETS * SAMPLE > 0 < count


def test_how_far_two_people_agree() -> None:
    """For two coders and two values it is `1 - (n-1) o01 / (n0 n1)` (Krippendorff 2011, A)."""
    one, other = "0100000000", "1110010000"  # 3 of 10 differ; 15 zeros and 5 ones
    assert people_agree(one, other) == pytest.approx(1 - 19 * 3 / (15 * 5))
    assert people_agree("abab", "abab") == pytest.approx(1)
    assert people_agree("a", "a") is None
    assert people_agree("aaaa", "aaaa") is None
