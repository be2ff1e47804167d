"""Answers that are given before the proposal is shown, and what they are good for."""

import pytest
from sqlmodel import Session, select

from rollout.answers import Reason, Verb
from rollout.authority import Authority
from rollout.brief import as_markdown, brief_of
from rollout.case import Proposal
from rollout.compared import Blind, ComparedRow
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.ledger import recall
from rollout.rights import Right, Ruling
from tests.rollout.reviewed import HOUR, asked, blind, said, shown
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb
from tests.rollout.trial import OWNERS, WHEN, contract

__all__ = ["session"]  # a fixture

LATER = WHEN + HOUR
RULED = Ruling(right=Right.REVIEW, because="it only recommends, 90% sure", policy_version="v")


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    climb(session, made, Authority.RECOMMEND)
    return made


def evidence(session: Session, case_id: str) -> ComparedRow | None:
    return session.exec(select(ComparedRow).where(ComparedRow.case_id == case_id)).one_or_none()


def test_nothing_of_the_proposal_is_in_what_the_person_reads(
    session: Session, agreed: Contract
) -> None:
    case, review = asked(session, agreed, blind=True)
    proposal = recall(session, case.id, "proposal-1", Proposal)
    assert proposal is not None
    text = as_markdown(brief_of(agreed, review, proposal, RULED, "a lead"))
    assert OWNERS[0].partition("@")[0] not in text
    assert "fits" not in text  # the agent's reason
    assert "90%" not in text  # how sure it is
    assert "approve:" not in text
    assert "you say: owner" in text


def test_a_blind_answer_is_compared_like_one_in_shadow(session: Session, agreed: Contract) -> None:
    same = evidence(session, blind(session, agreed, LATER).id)
    other = evidence(session, blind(session, agreed, LATER, agrees=False).id)
    assert same is not None
    assert other is not None
    assert (same.blind, same.verdict, same.source) == (Blind.YES, "equal", "review")
    assert (other.blind, other.verdict) == (Blind.YES, "different")


def test_a_blind_answer_is_what_is_written(session: Session, agreed: Contract) -> None:
    case, review = asked(session, agreed, blind=True)
    stands = said(session, agreed, review, LATER, verb=Verb.EDIT, edit={"owner": OWNERS[1]})
    proposal = recall(session, case.id, "proposal-1", Proposal)
    assert proposal is not None
    assert stands.blind
    assert stands.applied_to(proposal).action.arguments == {"owner": OWNERS[1]}
    assert stands.applied_to(proposal).action.hash == stands.approved_hash


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"verb": Verb.APPROVE}, "before the proposal is shown: edit says"),
        (
            {"verb": Verb.EDIT, "edit": {"owner": OWNERS[0]}},
            "you would do: note is missing",
        ),
        ({"verb": Verb.EDIT, "edit": {}}, "an edit changes something"),
        ({"verb": Verb.REJECT}, "needs a reason"),
    ],
)
def test_a_blind_answer_that_says_nothing_is_refused(
    session: Session, agreed: Contract, words: dict[str, object], says: str
) -> None:
    case, review = asked(session, agreed, blind=True)
    review.choices = {**review.choices, "note": ["a", "b"]}
    with pytest.raises(Invalid, match=says):
        said(session, agreed, review, LATER, **words)
    assert evidence(session, case.id) is None


def test_after_it_was_shown_only_whether_it_was_taken_counts(
    session: Session, agreed: Contract
) -> None:
    yes = evidence(session, shown(session, agreed, LATER).id)
    no = evidence(session, shown(session, agreed, LATER, taken=False).id)
    assert yes is not None
    assert no is not None
    assert (yes.blind, yes.verdict) == (Blind.SHOWN, "equal")
    assert (no.blind, no.verdict) == (Blind.SHOWN, "different")


def test_an_edit_of_substance_is_no_acceptance(session: Session, agreed: Contract) -> None:
    case, review = asked(session, agreed)
    edit = {"owner": OWNERS[1]}
    said(session, agreed, review, LATER, verb=Verb.EDIT, edit=edit, reason=Reason.WRONG_FACT)
    row = evidence(session, case.id)
    assert row is not None
    assert row.verdict == "different"


def test_the_same_answer_again_is_no_second_case(session: Session, agreed: Contract) -> None:
    case, review = asked(session, agreed)
    said(session, agreed, review, LATER)
    said(session, agreed, review, LATER)
    assert evidence(session, case.id) is not None  # one, or it would have raised
