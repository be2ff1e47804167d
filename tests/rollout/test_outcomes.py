"""What became of cases: late, corrected and withdrawn words, and when a case says something."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from rollout.authority import Arm, Authority, Placement
from rollout.case import Case, Ending, close_row, keep_placement
from rollout.contract import Contract, OutcomeRule
from rollout.errors import Invalid, Unknown
from rollout.ledger import Entry, note_next
from rollout.outcomes import OutcomeRow, Word, matured, take_outcome, verdict
from tests.rollout.sessions import plain as session
from tests.rollout.trial import WHEN, a_case, contract

__all__ = ["session"]  # a fixture

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATE = WHEN + 30 * DAY


def closed(
    session: Session, agreed: Contract, arm: Arm = Arm.TREATED, segment: str = "SMB", n: int = 0
) -> Case:
    """A case that the agent was asked about, placed in an arm and closed."""
    case = a_case(session, agreed)
    level = Authority.SHADOW if arm is Arm.CONTROL else Authority.LIMITED
    placed = Placement(authority=level, arm=arm, because="x", segment=segment)
    keep_placement(session, agreed.workflow, case.id, placed, WHEN)
    note_next(
        session,
        workflow=agreed.workflow,
        case_id=case.id,
        kind="asked",
        actor="taxiway",
        at=WHEN,
        fields={},
    )
    close_row(session, case.id, Ending.ACTED, "x", WHEN + HOUR + n * timedelta(seconds=1))
    return case


def tell(
    session: Session,
    agreed: Contract,
    case: Case,
    *,
    days: float = 2,
    withdrawn: bool = False,
    kind: str = "reassigned",
) -> bool:
    word = Word(kind, WHEN + days * DAY, "csv", withdrawn)
    return take_outcome(session, agreed, case.id, word, LATE)


@pytest.fixture
def agreed(session: Session) -> Contract:
    del session
    return contract()


def good(session: Session, agreed: Contract, days: float = 30) -> list[bool]:
    found = matured(session, agreed, Arm.TREATED, WHEN, WHEN + days * DAY)
    return [bool(one) for one in found.good]


def test_a_case_says_nothing_until_its_time_is_over_unless_it_turned_out_badly(
    session: Session, agreed: Contract
) -> None:
    case = closed(session, agreed)
    closed(session, agreed, n=1)
    assert good(session, agreed, 6.9) == []
    assert good(session, agreed, 7.1) == [True, True]
    tell(session, agreed, case)
    assert matured(session, agreed, Arm.TREATED, WHEN, LATE).share == 1
    assert sorted(good(session, agreed)) == [False, True]


def test_what_comes_too_late_does_not_count(session: Session, agreed: Contract) -> None:
    case = closed(session, agreed)
    tell(session, agreed, case, days=8)
    assert good(session, agreed) == [True]


def test_a_withdrawn_word_counts_no_more_and_both_stay_on_record(
    session: Session, agreed: Contract
) -> None:
    case = closed(session, agreed)
    assert tell(session, agreed, case)
    assert good(session, agreed) == [False]
    assert tell(session, agreed, case, withdrawn=True)
    assert good(session, agreed) == [True]
    rows = session.exec(select(OutcomeRow).where(OutcomeRow.case_id == case.id)).all()
    facts = session.exec(
        select(Entry.kind).where(Entry.case_id == case.id, Entry.kind == "outcome")
    ).all()
    assert (len(rows), len(facts)) == (2, 2)


def test_a_corrected_moment_is_a_new_word(session: Session, agreed: Contract) -> None:
    case = closed(session, agreed)
    tell(session, agreed, case, days=2)
    assert tell(session, agreed, case, days=9)  # it was not within the week after all
    assert good(session, agreed) == [True]


def test_the_same_word_twice_is_one(session: Session, agreed: Contract) -> None:
    case = closed(session, agreed)
    assert tell(session, agreed, case)
    assert not tell(session, agreed, case)


def test_what_was_known_at_a_moment_stays_what_was_known(
    session: Session, agreed: Contract
) -> None:
    case = closed(session, agreed)
    word = Word("reassigned", WHEN + 2 * DAY, "csv")
    take_outcome(session, agreed, case.id, word, WHEN + 10 * DAY)
    assert good(session, agreed, 9) == [True]
    assert good(session, agreed, 11) == [False]


def test_arms_and_segments_are_told_apart(session: Session, agreed: Contract) -> None:
    closed(session, agreed, segment="SMB")
    closed(session, agreed, segment="MM", n=1)
    closed(session, agreed, Arm.CONTROL, n=2)
    own = matured(session, agreed, Arm.TREATED, WHEN, LATE)
    assert (own.closed, sorted(own.segments)) == (2, ["MM", "SMB"])
    assert matured(session, agreed, Arm.CONTROL, WHEN, LATE).closed == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"kind": "won"}, "won is no outcome of .*; known: reassigned"),
        ({"days": -1}, "lies ahead, or before the case"),
        ({"days": 31}, "lies ahead"),
        ({"withdrawn": True}, "nobody told of reassigned"),
    ],
)
def test_a_word_that_cannot_be_is_refused(
    session: Session, agreed: Contract, words: dict[str, object], says: str
) -> None:
    case = closed(session, agreed)
    with pytest.raises(Invalid, match=says):
        tell(session, agreed, case, **words)  # type: ignore[arg-type] # words of a test
    with pytest.raises(Unknown):
        take_outcome(session, agreed, "L-0", Word("reassigned", WHEN, "csv"), LATE)
    assert session.exec(select(OutcomeRow).where(OutcomeRow.case_id == case.id)).all() == []


def test_without_a_meaning_silence_stays_open() -> None:
    rules = (
        OutcomeRule("renewed", is_good=True, within=150 * DAY),
        OutcomeRule("churned", is_good=False, within=150 * DAY),
    )
    made = contract()
    object.__setattr__(made, "outcomes", rules)
    assert verdict(made, {}, WHEN, WHEN + 300 * DAY) is None
    assert verdict(made, {"renewed": WHEN + DAY}, WHEN, WHEN + 2 * DAY) is True
    both = {"renewed": WHEN + DAY, "churned": WHEN + 2 * DAY}
    assert verdict(made, both, WHEN, WHEN + 3 * DAY) is False
