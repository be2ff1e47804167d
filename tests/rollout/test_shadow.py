"""What people decided beside the proposals: compared once, blind, and drawn over time."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from flows.doors.picture import spark, svg
from rollout.agreements import Part, digest_of
from rollout.authority import Authority
from rollout.compared import Blind, ComparedRow
from rollout.comparison import Ignored, Verdict
from rollout.contract import Contract
from rollout.course import course, simulate
from rollout.errors import Invalid, Unknown
from rollout.gates import Policy
from rollout.ledger import Entry
from rollout.opinions import Kind, Side, take_opinion
from rollout.people import read_directory
from rollout.shadow import HumanDecision, take_human_decision, without_decision
from rollout.tallies import tally_of
from tests.rollout.sessions import with_people as session
from tests.rollout.trial import OWNERS, WHEN, contract
from tests.rollout.watching import agreed
from tests.rollout.weeks import decided, watched, weeks

__all__ = ["agreed", "session"]  # fixtures


BARS = Policy()


# The evidence


def test_what_people_decided_is_compared_once_and_a_correction_judges_nothing(
    session: Session, agreed: Contract
) -> None:
    case = watched(session, agreed, OWNERS[0], WHEN)
    later = WHEN + timedelta(hours=2)
    first = take_human_decision(session, agreed, case.id, decided(OWNERS[0], later), later)
    again = take_human_decision(session, agreed, case.id, decided(OWNERS[0], later), later)
    other = take_human_decision(session, agreed, case.id, decided(OWNERS[1], later), later)
    found = tally_of(session, agreed, "r", later)

    assert (first, other) == ("equal", None)
    assert again == "equal"
    assert (found.n, found.right) == (1, 1)
    kinds = session.exec(select(Entry.kind).where(Entry.case_id == case.id)).all()
    assert kinds.count("human_correction") == 1


def test_what_the_agent_could_have_seen_or_the_person_says_nothing(
    session: Session, agreed: Contract
) -> None:
    leaked = watched(session, agreed, OWNERS[0], WHEN)
    early = decided(OWNERS[0], WHEN - timedelta(hours=1))
    assert take_human_decision(session, agreed, leaked.id, early, WHEN) is None
    shown = watched(session, agreed, OWNERS[0], WHEN, Authority.RECOMMEND)
    later = WHEN + timedelta(hours=1)
    assert take_human_decision(session, agreed, shown.id, decided(OWNERS[0], later), later) is None
    blind = session.exec(
        select(ComparedRow.blind)
        .where(ComparedRow.workflow == agreed.workflow)
        .order_by(col(ComparedRow.seq))
    ).all()
    assert blind == [Blind.LEAKED, Blind.SHOWN]
    assert tally_of(session, agreed, "r", later).n == 0


def test_an_answer_that_names_no_field_is_refused(session: Session, agreed: Contract) -> None:
    case = watched(session, agreed, OWNERS[0], WHEN)
    said = HumanDecision(answer={"colour": "blue"}, by="k", at=WHEN, source="csv")
    with pytest.raises(Invalid, match="is compared by owner"):
        take_human_decision(session, agreed, case.id, said, WHEN)
    with pytest.raises(Unknown):
        take_human_decision(session, agreed, "L-0", decided("x", WHEN), WHEN)
    with pytest.raises(Invalid, match="belongs to"):
        take_human_decision(session, contract(), case.id, decided("x", WHEN), WHEN)


def test_the_tally_is_what_was_compared_up_to_a_moment(session: Session, agreed: Contract) -> None:
    end = weeks(session, agreed, n=30, wrong=6)
    whole = tally_of(session, agreed, "r", end)
    half = tally_of(session, agreed, "r", WHEN + timedelta(days=7))

    assert (whole.n, whole.right, whole.eligible, whole.answered) == (30, 24, 30, 30)
    assert (whole.constant_right, whole.wins, whole.losses) == (10, 16, 2)
    assert half.n < whole.n
    assert tally_of(session, agreed, "r", end) == whole
    assert tally_of(session, agreed, "another", end).n == 0


def test_what_a_rule_decided_says_nothing_about_the_agent(
    session: Session, agreed: Contract
) -> None:
    at = WHEN + timedelta(hours=1)
    case = watched(session, agreed, OWNERS[0], WHEN, said={"decided_by": "named-account"})
    assert take_human_decision(session, agreed, case.id, decided(OWNERS[0], at), at) is None
    assert tally_of(session, agreed, "r", at).n == 0


def test_an_answer_without_evidence_is_none(session: Session, agreed: Contract) -> None:
    end = weeks(session, agreed, n=10)
    watched(session, agreed, OWNERS[0], end, said={"evidence": ()})
    found = tally_of(session, agreed, "r", end)
    assert (found.eligible, found.answered) == (11, 10)


def test_what_another_release_was_asked_is_not_this_ones_to_answer(
    session: Session, agreed: Contract
) -> None:
    watched(session, agreed, OWNERS[0], WHEN, said={"release": "before"})
    end = weeks(session, agreed, n=10)
    found = tally_of(session, agreed, "r", end)
    assert (found.eligible, found.answered) == (10, 10)


def test_only_what_the_agent_was_asked_about_lately_is_looked_up(
    session: Session, agreed: Contract
) -> None:
    old = watched(session, agreed, OWNERS[0], WHEN)
    rule = watched(session, agreed, OWNERS[0], WHEN, asked=False)
    soon, late = (
        {one.id for one in without_decision(session, agreed.workflow, WHEN + timedelta(days=n))}
        for n in (1, 15)
    )
    assert soon == {old.id}
    assert rule.id not in soon
    assert late == set()


# The course, and another policy on it


def test_a_harder_policy_would_have_taken_longer(session: Session, agreed: Contract) -> None:
    end = weeks(session, agreed, n=130, days=20, wrong=4)
    usual = simulate(session, agreed, BARS, "r", end)
    hard = simulate(session, agreed, Policy(min_days=18), "r", end)
    never = simulate(session, agreed, Policy(agreement=0.99), "r", end)

    assert usual.ready is not None
    assert hard.ready is not None
    assert usual.ready.at < hard.ready.at
    assert usual.exposed > hard.exposed >= 0
    assert never.ready is None
    assert never.points[-1].because
    assert simulate(session, agreed, BARS, "r", end) == usual
    assert simulate(session, agreed, BARS, "another", end).points == ()


def test_the_course_is_drawn_with_nothing_that_runs(session: Session, agreed: Contract) -> None:
    end = weeks(session, agreed, n=40, days=10)
    points = course(session, agreed, BARS, "r", end)
    drawn = svg(points, "<script>x</script>", 0.8, 0.05)

    assert drawn.startswith("<svg")
    assert "<script" not in drawn
    assert drawn.count("<polyline") == 2
    assert "agreement 100%" in spark(points)
    assert "Nothing was compared" in svg([], "x", 0.8, 0.05)
    assert spark([]) == ""


def test_where_both_are_right_they_agree_from_then_on(session: Session, agreed: Contract) -> None:
    at = WHEN + timedelta(hours=1)
    case = watched(session, agreed, OWNERS[0], WHEN)
    take_human_decision(session, agreed, case.id, decided(OWNERS[1], at), at)
    later = at + timedelta(hours=1)
    people, which = read_directory(session), f"O-{case.id}-{Kind.WHO_IS_RIGHT}"
    take_opinion(session, people, agreed, which, by="sofia", side=Side.BOTH, now=later)
    assert tally_of(session, agreed, "r", at).right == 0  # as it was known then
    assert tally_of(session, agreed, "r", later).right == 1


def test_a_field_that_is_ignored_for_a_while_is_not_compared(
    session: Session, agreed: Contract
) -> None:
    at = WHEN + timedelta(hours=1)
    last = Ignored("noor", at.date())
    quiet = replace(agreed, ignored=(("owner", last),))
    for made, found in ((quiet, Verdict.INCOMPARABLE), (agreed, Verdict.DIFFERENT)):
        case = watched(session, made, OWNERS[0], WHEN)
        said = decided(OWNERS[1], at)
        assert take_human_decision(session, made, case.id, said, at) is found
    case, tomorrow = watched(session, quiet, OWNERS[0], WHEN), at + timedelta(days=1)
    said = decided(OWNERS[1], tomorrow)
    assert take_human_decision(session, quiet, case.id, said, tomorrow) is Verdict.DIFFERENT
    assert digest_of(quiet, Part.BARS) != digest_of(agreed, Part.BARS)
