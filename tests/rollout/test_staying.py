"""At full: a sample is decided once more, the level is lent for a time, and a fall lowers."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlmodel import Session, select

from rollout.ahead import look_ahead
from rollout.answers import Proof
from rollout.authority import Arm, Authority, Exposure, Facets, Grant, Unit, place
from rollout.buckets import BUCKETS, bucket
from rollout.case import Case, Ending, close_row
from rollout.compared import RECHECK, Blind, ComparedRow
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.falling import fall
from rollout.gates import Finding, Policy, Status
from rollout.grants import current, history
from rollout.ledger import Entry, note, remember
from rollout.monitors import alarms, overrules
from rollout.opinions import RECHECKED, Kind, OpinionRow, Side, agents_side, open_opinions
from rollout.people import Directory
from rollout.rechecks import SHARE, ask_for_rechecks, take_word
from rollout.rising import ask_to_rise, sign
from rollout.staying import expire, lent_until, staying_gates
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb
from tests.rollout.test_limited_gates import RECORD, known
from tests.rollout.trial import OWNERS, WHEN, a_case, contract, proposal
from tests.rollout.watching import people

__all__ = ["people", "session"]  # fixtures

BARS = Policy()
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SOON = WHEN + HOUR


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    climb(session, made, Authority.FULL)
    return made


def alone(session: Session, agreed: Contract, at: datetime, *, decided: bool = False) -> Case:
    """A case that the agent did alone."""
    case = a_case(session, agreed, Authority.FULL)
    placed = case.placement.model_copy(update={"segment": "SMB"}) if case.placement else None
    assert placed is not None
    for step, fact in (("placement", placed), ("proposal-1", proposal())):
        remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=step,
            fact=fact,
            actor="agent",
            at=at,
        )
    if decided:
        fields = {"verb": "approve"}
        note(
            session,
            workflow=case.workflow,
            case_id=case.id,
            kind="decision",
            actor="karim",
            at=at,
            fields=fields,
        )
    close_row(session, case.id, Ending.ACTED, "done", at)
    return case


def asked(session: Session, agreed: Contract, n: int, at: datetime = SOON) -> list[OpinionRow]:
    """Let the agent do cases alone until so many of them are to be decided once more."""
    while len(rows := open_opinions(session, agreed.workflow)) < n:
        for _ in range(40):
            alone(session, agreed, at)
        ask_for_rechecks(session, agreed, at + HOUR)
    return rows[:n]


def say(
    session: Session, people: Directory, agreed: Contract, row: OpinionRow, owner: str
) -> ComparedRow:
    take_word(
        session,
        people,
        agreed,
        row.id,
        by="sofia",
        answer={"owner": owner},
        now=row.asked_at + HOUR,
    )
    return session.exec(select(ComparedRow).where(ComparedRow.case_id == row.case_id)).one()


# Rechecks


def test_a_sample_of_what_was_done_alone_is_asked_about_once(
    session: Session, agreed: Contract
) -> None:
    for _ in range(400):
        alone(session, agreed, SOON)
    decided = {alone(session, agreed, SOON, decided=True).id for _ in range(200)}
    n = ask_for_rechecks(session, agreed, SOON + HOUR)
    rows = open_opinions(session, agreed.workflow)
    assert 5 <= n == len(rows) <= 40  # 20 are expected
    assert {(row.kind, row.not_by, row.release) for row in rows} == {(Kind.RECHECK, "", "r")}
    assert not {row.case_id for row in rows} & decided
    assert ask_for_rechecks(session, agreed, SOON + HOUR) == 0
    assert BUCKETS * SHARE == 500


def test_the_same_answer_is_evidence_and_another_goes_to_a_third_person(
    session: Session, people: Directory, agreed: Contract
) -> None:
    same, other = asked(session, agreed, 2)
    equal = say(session, people, agreed, same, OWNERS[0])
    differs = say(session, people, agreed, other, OWNERS[1])
    assert (equal.verdict, equal.blind, equal.source) == ("equal", Blind.YES, RECHECK)
    assert (differs.verdict, differs.blind) == ("different", Blind.YES)
    third = session.get_one(OpinionRow, f"O-{other.case_id}-{Kind.WHO_IS_RIGHT}")
    assert third.not_by == "sofia"


@pytest.mark.parametrize(("who", "wrong"), [("agent", False), ("human", True), ("both", False)])
def test_what_a_recheck_finds_is_heard_by_the_monitors(
    session: Session, people: Directory, agreed: Contract, who: str, *, wrong: bool
) -> None:
    (row,) = asked(session, agreed, 1)
    say(session, people, agreed, row, OWNERS[1])
    at = row.asked_at + 2 * HOUR
    assert overrules(session, agreed, at) == {}  # nobody knows yet whose error it is
    agents = agents_side(agreed.workflow, row.case_id)
    other = Side.SECOND if agents is Side.FIRST else Side.FIRST
    side = {"agent": agents, "human": other}.get(who) or Side(who)
    third = f"O-{row.case_id}-{Kind.WHO_IS_RIGHT}"
    take_word(session, people, agreed, third, by="karim", side=side, now=at)
    noted = select(Entry.fields).where(Entry.case_id == row.case_id, Entry.kind == RECHECKED)
    assert session.exec(noted).all() == [{"wrong": wrong}]
    found = overrules(session, agreed, at + HOUR)
    assert {scope: (one.watch.events, one.overruled) for scope, one in found.items()} == {
        "": (1, int(wrong)),
        "segment:SMB": (1, int(wrong)),
    }


def test_errors_that_rechecks_find_lower_it(
    session: Session, people: Directory, agreed: Contract
) -> None:
    rows = asked(session, agreed, 8)
    for row in rows:
        say(session, people, agreed, row, OWNERS[1])
        right = (
            Side.SECOND if agents_side(agreed.workflow, row.case_id) is Side.FIRST else Side.FIRST
        )
        third = f"O-{row.case_id}-{Kind.WHO_IS_RIGHT}"
        at = row.asked_at + 2 * HOUR
        take_word(session, people, agreed, third, by="karim", side=right, now=at)
    found = alarms(session, agreed, rows[0].asked_at + 4 * HOUR)
    assert [(one.severity, one.scope) for one in found] == [("S2", "")]


# A fall from full


def test_a_fall_from_full_leaves_it_half_of_the_cases(session: Session, agreed: Contract) -> None:
    grant = fall(session, agreed, severity="S2", by="monitor", because="harm", now=SOON)
    assert str(grant) == "limited to 50 %"
    units = [Unit(kind="contact", id=str(n)) for n in range(2_000)]
    arms = [place(grant, unit, Facets(segment="SMB")).arm for unit in units]
    assert 900 < arms.count(Arm.TREATED) < 1_100
    assert 860 < arms.count(Arm.CONTROL) < 1_060


def test_a_part_that_falls_at_full_is_peoples_to_decide(session: Session, agreed: Contract) -> None:
    grant = fall(
        session,
        agreed,
        severity="S2",
        by="monitor",
        because="harm",
        now=SOON,
        scope="segment:SMB",
    )
    assert grant.authority is Authority.FULL
    everyone = (str(n) for n in range(100))
    theirs = next(
        one for one in everyone if bucket(agreed.workflow, "contact", one) < BUCKETS - 500
    )  # not of the permanent holdout, which differs from one workflow's name to another's
    low = place(grant, Unit(kind="contact", id=theirs), Facets(segment="SMB"))
    assert low.authority is Authority.RECOMMEND


# The time for which it is lent


def by_gate(found: list[Finding]) -> dict[str, Finding]:
    return {one.gate: one for one in found}


@pytest.mark.parametrize(
    ("gate", "marks", "status", "says"),
    [
        ("rechecked", np.zeros(0), "no_data", "0 of at least 30"),
        ("rechecked", np.zeros(29), "inconclusive", "29 of at least 30"),
        ("rechecked", np.zeros(30), "pass", "30 of at least 30"),
        ("no_turn", np.zeros(30), "pass", "worse in 0 of 30"),
        ("no_turn", -np.ones(30), "fail", "it is worse"),
        ("no_turn", np.zeros(0), "no_data", "nothing was decided blind"),
    ],
)
def test_what_came_since_must_show_no_turn(
    gate: str, marks: np.ndarray[tuple[int], np.dtype[np.float64]], status: str, says: str
) -> None:
    whole = replace(RECORD, differences=np.zeros(400), drill_days=3)
    lately = replace(RECORD, differences=marks)
    found = by_gate([*staying_gates(whole, lately, known(), BARS)])
    assert (found[gate].status, says in found[gate].because) == (status, True), found[gate]


def test_full_that_nobody_renews_ends_at_half(session: Session, agreed: Contract) -> None:
    assert lent_until(session, agreed.workflow, BARS) == WHEN + 90 * DAY
    assert expire(session, agreed, BARS, WHEN + 90 * DAY - HOUR) is None
    grant = expire(session, agreed, BARS, WHEN + 90 * DAY)
    assert grant is not None
    assert str(grant) == "limited to 50 %"
    assert "not renewed on evidence" in history(session, agreed.workflow)[-1].because
    assert expire(session, agreed, BARS, WHEN + 91 * DAY) is None
    assert lent_until(session, agreed.workflow, BARS) is None


def test_renewed_it_is_lent_anew(session: Session, people: Directory) -> None:
    agreed = replace(contract(), outcomes=())
    climb(session, agreed, Authority.FULL)
    late = WHEN + 60 * DAY
    with pytest.raises(Invalid, match="may not rise to full, renewed now"):
        ask_to_rise(session, agreed, BARS, by="ines", because="holds", now=late)
    ahead = look_ahead(session, agreed, BARS, late)
    assert (ahead.target, ahead.grant.authority) == ("full, renewed", Authority.FULL)
    easy = replace(BARS, dry_run=tuple(one.gate for one in ahead.gates if one.gate != "rechecked"))
    rows = asked(session, agreed, 30, late)
    for row in rows:
        say(session, people, agreed, row, OWNERS[0])
    at = late + 4 * HOUR
    number = ask_to_rise(session, agreed, easy, by="ines", because="holds", now=at).id or 0
    sign(session, people, agreed, easy, number, by="ines", proof=Proof.HOST, now=at)
    grant = sign(session, people, agreed, easy, number, by="ruth", proof=Proof.HOST, now=at)
    assert isinstance(grant, Grant)
    assert (grant.authority, grant.exposure) == (Authority.FULL, Exposure())
    assert current(session, agreed.workflow).authority is Authority.FULL
    assert lent_until(session, agreed.workflow, BARS) == at + 90 * DAY
    assert look_ahead(session, agreed, BARS, at + HOUR).status is not Status.PASS
