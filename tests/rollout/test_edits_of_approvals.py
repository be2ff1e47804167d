"""An edit takes the word that its amount needs, and never only its maker's."""

import pytest
from sqlmodel import Session

from rollout.answers import Reason, Verb
from rollout.case import Case, Proposal
from rollout.decisions import Approval, Decision
from rollout.errors import Invalid, NotYours
from rollout.ledger import remember
from rollout.reviews import ReviewRow, Status
from tests.rollout.test_approvals import asked, case, refund, say, session
from tests.rollout.trial import WHEN

__all__ = ["case", "session"]  # fixtures


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
