"""Whose word it takes: four eyes, nobody's own case, and an edit that needs somebody higher."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from integrations.database import transaction
from rollout.answers import Proof, Reason, Verb
from rollout.approvals import need_of, standing_of
from rollout.authority import Authority
from rollout.business_time import Business
from rollout.case import Action, Case, Proposal
from rollout.contract import ActionRule, Contract, Leg, Rung, Safety
from rollout.deciding import decide_on
from rollout.decisions import Approval, Decision
from rollout.effects import Basis, EffectRow, Intent, Request, intend
from rollout.errors import Invalid, NotYours
from rollout.gate import objection
from rollout.ledger import call_it, remember
from rollout.notices import Event, waiting
from rollout.people import let_count, read_directory
from rollout.people_sheet import parse
from rollout.reviews import ReviewRow, Status
from tests.rollout.test_effects import climb
from tests.rollout.trial import WHEN, a_case, answer, contract

HOUR = Business(hours=1)
REFUND = "helpdesk.refund"
LADDER = (
    Rung(("agents",), up_to_minor=50_00),
    Rung(("leads",), up_to_minor=500_00),
    Rung(("finance", "managers"), up_to_minor=25_000_00, proof="link"),
)
PEOPLE = """
[people.ann]
name = "Ann"
mail = "ann@x.example"
[people.ben]
name = "Ben"
[people.cleo]
name = "Cleo"
[people.dan]
name = "Dan"
[people.eve]
name = "Eve"
[groups.agents]
members = ["ann", "ben"]
[groups.leads]
members = ["cleo"]
[groups.finance]
members = ["dan", "cleo"]
[groups.managers]
members = ["eve", "dan"]
[[delegations]]
by = "eve"
to = "dan"
first = 2026-11-10
last = 2026-11-20
"""


def agreed() -> Contract:
    made = contract()
    rule = ActionRule(
        name=REFUND,
        safety=Safety.NATIVE_KEY,
        stake="amount_minor",
        ladder=LADDER,
        measure="refunds that were wrong",
    )
    return replace(
        made,
        owners=replace(made.owners, reviewer="agents"),
        boundaries=replace(made.boundaries, write=(rule,)),
        review_then=(),
    )


def refund(amount: int | str) -> Action:
    return Action(name=REFUND, target="charge/1", arguments={"amount_minor": str(amount)})


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """A session whose people are these tests' own, and are forgotten with it."""
    del database
    with transaction() as opened:
        let_count(opened, parse(PEOPLE), by="a test", now=WHEN)
        yield opened
        opened.rollback()


@pytest.fixture
def case(session: Session) -> Case:
    return a_case(session, agreed(), Authority.RECOMMEND)


def asked(session: Session, case: Case, amount: int = 8_000_00) -> ReviewRow:
    """Ask about a refund."""
    proposal = Proposal(
        action=refund(amount), reason="late", confidence=0.9, data_confidence=1, release="r"
    )
    remember(
        session,
        workflow=case.workflow,
        case_id=case.id,
        step="proposal-1",
        fact=proposal,
        actor="agent",
        at=WHEN,
    )
    need = need_of(case.contract, proposal.action)
    assert need is not None
    review = ReviewRow(
        id=f"R-{case.id}-1",
        case_id=case.id,
        workflow=case.workflow,
        nth=1,
        step="proposal-1",
        action_hash=proposal.action.hash,
        group=need.by[0],
        because="a refund",
        choices={"amount_minor": ["4000", "40000", "400000", "4000000"]},
        flow_run_id="run",
        opened_at=WHEN,
        due_at=WHEN + timedelta(hours=4),
    )
    session.add(review)
    session.flush()
    return review


def say(
    session: Session,
    case: Case,
    review: ReviewRow,
    by: str,
    verb: Verb = Verb.APPROVE,
    **more: object,
) -> Decision | Approval:
    said = answer(verb, by, **more)
    return decide_on(session, case.contract, review.id, said, WHEN + timedelta(minutes=5))


def test_four_eyes_are_two_people(session: Session, case: Case) -> None:
    review = asked(session, case)
    first = say(session, case, review, "dan")

    assert isinstance(first, Approval)
    assert (first.still, review.status) in [(("finance",), "open"), (("managers",), "open")]
    told = [one for one in waiting(session) if one.review_id == review.id]
    assert [(one.event, one.to) for one in told] == [(Event.SECOND_WORD, first.still[0])]
    assert say(session, case, review, "dan") == first  # a double click
    with pytest.raises(NotYours, match="ann is not one of"):
        say(session, case, review, "ann")
    last = say(session, case, review, "cleo")
    session.refresh(review)
    assert isinstance(last, Decision)
    assert (last.approvers, review.status) == (("dan", "cleo"), Status.APPROVED)


def test_whoever_adds_nothing_that_is_missing_is_told_so(session: Session, case: Case) -> None:
    review = asked(session, case)
    first = say(session, case, review, "eve")
    assert isinstance(first, Approval)
    assert first.still == ("finance",)
    last = say(session, case, review, "dan")  # of finance too
    assert isinstance(last, Decision)


def test_a_delegate_and_whoever_they_answer_for_are_one(session: Session, case: Case) -> None:
    review = asked(session, case)
    say(session, case, review, "eve")
    later = WHEN.replace(day=12)
    with pytest.raises(NotYours, match="answer for one another"):
        decide_on(session, case.contract, review.id, answer(by="dan"), later)


def test_the_next_in_line_approves_nothing_before_it_is_theirs(
    session: Session, case: Case
) -> None:
    case = replace(case, contract=replace(case.contract, review_then=(Leg("agents", HOUR),)))
    review = asked(session, case, 400_00)
    with pytest.raises(NotYours, match="ann is not one of leads"):
        say(session, case, review, "ann")
    review.group = "agents"  # the clock has handed it on
    session.add(review)
    assert isinstance(say(session, case, review, "ann"), Decision)


def test_one_no_is_enough(session: Session, case: Case) -> None:
    review = asked(session, case)
    say(session, case, review, "eve")
    no = say(session, case, review, "dan", Verb.REJECT, reason=Reason.POLICY_GAP)
    session.refresh(review)
    assert isinstance(no, Decision)
    assert (no.is_enough, no.approved_hash, review.status) == (True, None, Status.REJECTED)


@pytest.mark.ugly(25)
def test_nobody_decides_what_they_asked_for(session: Session, case: Case) -> None:
    review = asked(session, case, 40_00)
    call_it(session, case.id, [("requester", "ANN@x.example")])
    with pytest.raises(NotYours, match="ann asked for"):
        say(session, case, review, "ann")
    assert isinstance(say(session, case, review, "ben"), Decision)


def test_nor_in_the_place_of_somebody_else(session: Session, case: Case) -> None:
    review = asked(session, case)
    call_it(session, case.id, [("requester", "dan")])
    directory = parse(PEOPLE.replace('members = ["eve", "dan"]', 'members = ["eve"]'))
    let_count(session, directory, by="a test", now=WHEN)
    later = WHEN.replace(day=12)
    standing = standing_of(read_directory(session), "dan", ["managers"], later.date())
    assert standing is not None
    assert standing.principal == "eve"
    with pytest.raises(NotYours, match="dan asked for"):
        decide_on(session, case.contract, review.id, answer(by="dan"), later)


@pytest.mark.ugly(25)
def test_the_gate_asks_again_who_asked_for_it(session: Session, case: Case) -> None:
    climb(session, case.contract, Authority.RECOMMEND)
    review = asked(session, case, 40_00)
    say(session, case, review, "ann")
    effect = intend(
        session,
        case,
        Intent(
            step="refund",
            action=refund(40_00),
            request=Request(method="POST", path="/", body=b"{}"),
            basis=Basis.DECISION,
            nth=1,
        ),
        WHEN,
    )
    assert _why(session, case, effect) is None
    call_it(session, case.id, [("requester", "ann")])
    assert _why(session, case, effect) == "ann asked for it and approved it too"


def _why(session: Session, case: Case, effect: EffectRow) -> str | None:
    return objection(session, effect, case.contract)


def test_a_large_amount_needs_more_than_a_name_that_was_typed(session: Session, case: Case) -> None:
    review = asked(session, case)
    with pytest.raises(Invalid, match="proven by link here; dan was only declared"):
        say(session, case, review, "dan", proof=Proof.DECLARED)
    small = asked(session, a_case(session, case.contract, Authority.RECOMMEND), 40_00)
    case = replace(case, id=small.case_id)
    assert isinstance(say(session, case, small, "ann", proof=Proof.DECLARED), Decision)


def test_without_evidence_a_yes_needs_words(session: Session, case: Case) -> None:
    review = asked(session, case, 40_00)
    with pytest.raises(Invalid, match="no evidence that could be trusted"):
        say(session, case, review, "ann", comment="")
