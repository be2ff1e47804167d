"""Whose word it takes: four eyes, nobody's own case, and an edit that needs somebody higher."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from integrations.database import transaction
from rollout.answers import Proof, Reason, Verb
from rollout.approvals import Need, Standing, need_of, standing_of, still_needed
from rollout.authority import Authority
from rollout.business_time import Business
from rollout.case import Action, Case, Proposal
from rollout.contract import ActionRule, Contract, Leg, Rung, Safety
from rollout.deciding import decide_on
from rollout.decisions import Approval, Decision
from rollout.effects import Basis, EffectRow, Intent, Request, intend
from rollout.errors import Invalid, NotYours
from rollout.gate import objection
from rollout.holes import holes
from rollout.ledger import call_it, remember
from rollout.notices import Event, waiting
from rollout.people import let_count, read_directory
from rollout.people_sheet import parse
from rollout.reviews import ReviewRow, Status
from rollout.rights import Right, rule_on
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


@pytest.mark.parametrize(
    ("amount", "by"),
    [
        (0, ("agents",)),
        (50_00, ("agents",)),
        (50_01, ("leads",)),
        (500_00, ("leads",)),
        (500_01, ("finance", "managers")),
        (25_000_00, ("finance", "managers")),
        ("a lot", ("finance", "managers")),
        ("-5", ("finance", "managers")),
    ],
)
def test_the_amount_says_whose_word_it_takes(amount: int | str, by: tuple[str, ...]) -> None:
    need = need_of(agreed(), refund(amount))
    assert need is not None
    assert need.by == by


def test_above_the_ladder_nobody_may_approve_it() -> None:
    above = refund(25_000_01)
    proposal = Proposal(
        action=above,
        reason="x",
        confidence=1,
        data_confidence=1,
        release="r",
        decided_by="rule",
    )
    assert need_of(agreed(), above) is None
    assert rule_on(agreed(), proposal, Authority.FULL).right is Right.FORBIDDEN


def test_what_needs_a_word_is_never_the_agents_alone() -> None:
    proposal = Proposal(
        action=refund(10),
        reason="x",
        confidence=1,
        data_confidence=1,
        release="r",
        decided_by="rule",
    )
    ruling = rule_on(agreed(), proposal, Authority.FULL)
    assert (ruling.right, "it needs the word of agents" in ruling.triggers) == (Right.REVIEW, True)


def test_a_ladder_that_does_not_rise_is_a_hole() -> None:
    made = agreed()
    rule = replace(made.boundaries.write[0], ladder=LADDER[::-1])
    found = holes(replace(made, boundaries=replace(made.boundaries, write=(rule,))))
    assert f"action {REFUND}: the amounts of its ladder do not rise" in found


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


@pytest.mark.ugly(27)
def test_an_edit_beyond_the_editors_authority_is_asked_again(session: Session, case: Case) -> None:
    review = asked(session, case, 40_00)
    edit = {"amount_minor": "400000"}
    decision = say(session, case, review, "ann", Verb.EDIT, edit=edit, reason=Reason.OTHER)
    session.refresh(review)
    assert isinstance(decision, Decision)
    assert (decision.is_enough, decision.approved_hash) == (False, None)
    assert decision.needed == ("finance", "managers")
    assert review.status == Status.EDITED


def test_an_edit_within_it_stands(session: Session, case: Case) -> None:
    review = asked(session, case, 45_00)
    edit = {"amount_minor": "4000"}
    decision = say(session, case, review, "ann", Verb.EDIT, edit=edit, reason=Reason.OTHER)
    assert isinstance(decision, Decision)
    assert decision.is_enough
    assert decision.edit_distance > 0


def test_an_edit_above_the_ladder_changes_nothing(session: Session, case: Case) -> None:
    review = asked(session, case, 40_00)
    edit = {"amount_minor": "4000000"}
    with pytest.raises(Invalid, match="above what anybody may approve"):
        say(session, case, review, "ann", Verb.EDIT, edit=edit, reason=Reason.OTHER)
    assert review.status == Status.OPEN


@pytest.mark.ugly(26)
def test_an_edit_under_four_eyes_voids_the_first_yes_and_its_maker_cannot_approve_it(
    session: Session, case: Case
) -> None:
    review = asked(session, case)
    say(session, case, review, "eve")
    edit = {"amount_minor": "400000"}
    decision = say(session, case, review, "dan", Verb.EDIT, edit=edit, reason=Reason.OTHER)
    assert isinstance(decision, Decision)
    assert not decision.is_enough

    again = asked_again(session, case, review, decision)
    with pytest.raises(NotYours, match="dan made this change"):
        say(session, case, again, "dan")
    assert isinstance(say(session, case, again, "eve"), Approval)
    assert isinstance(say(session, case, again, "cleo"), Decision)


def asked_again(session: Session, case: Case, review: ReviewRow, decision: Decision) -> ReviewRow:
    proposal = Proposal(
        action=refund(400_000), reason="x", confidence=1, data_confidence=1, release="r"
    )
    remember(
        session,
        workflow=case.workflow,
        case_id=case.id,
        step="proposal-2",
        fact=proposal,
        actor=decision.by,
        at=WHEN,
    )
    row = ReviewRow(
        **{
            **review.model_dump(),
            "id": f"R-{case.id}-2",
            "nth": 2,
            "step": "proposal-2",
            "status": Status.OPEN,
            "edited_by": decision.by,
            "action_hash": proposal.action.hash,
        }
    )
    session.add(row)
    session.flush()
    return row


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


GROUPS = ("a", "b", "c")


@given(
    st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3),
    st.lists(st.sets(st.sampled_from(GROUPS)), max_size=4),
)
def test_each_person_counts_for_one_group(needed: list[str], people: list[set[str]]) -> None:
    given_ = [Standing(str(n), str(n), tuple(groups)) for n, groups in enumerate(people)]
    still = still_needed(Need(tuple(needed), Proof.LINK), given_)

    assert len(still) >= len(needed) - len(given_)
    assert sorted(still) == sorted(needed)[: len(still)] or set(still) <= set(needed)
    alone = still_needed(Need(tuple(needed), Proof.LINK), given_[:0])
    assert list(alone) == needed
