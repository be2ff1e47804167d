"""What a reviewer can do without deciding; none of it moves a deadline."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from rollout.answers import Answer, Proof, Verb
from rollout.asides import answer_back, ask_back, claim, escalate, talk
from rollout.brief import as_markdown, brief_of
from rollout.case import Case
from rollout.contract import Leg
from rollout.deadlines import Deadline, Kind, Line, What, plan, untold
from rollout.deciding import decide_on
from rollout.decisions import Decision
from rollout.errors import Conflict, Invalid, NotYours
from rollout.notices import Event, NoticeRow, waiting
from rollout.people import read_directory
from rollout.reviews import ReviewRow, Status
from rollout.rights import Right, Ruling
from tests.rollout.sessions import with_people as session
from tests.rollout.trial import WHEN, a_case, a_review, answer, contract, proposal

__all__ = ["session"]  # a fixture


SOON = WHEN + timedelta(minutes=5)
HALF = timedelta(minutes=30)


@pytest.fixture
def case(session: Session) -> Case:
    return a_case(session, contract())


@pytest.fixture
def review(session: Session, case: Case) -> ReviewRow:
    found = a_review(session, case)
    line = Line(
        (Leg("sales-desk", case.contract.review_within), *case.contract.review_then),
        "head-of-sales-ops",
    )
    found.due_at = plan(
        session,
        read_directory(session),
        line,
        kind=Kind.REVIEW,
        ref=found.id,
        case_id=case.id,
        workflow=case.workflow,
        start=WHEN,
    ).due_at
    session.add(found)
    session.flush()
    return found


def test_what_somebody_claims_nobody_else_decides_meanwhile(
    session: Session, case: Case, review: ReviewRow
) -> None:
    due = review.due_at
    claim(session, case.contract, review.id, by="karim", now=WHEN, hold=HALF)
    with pytest.raises(Conflict, match="karim is deciding"):
        decide_on(session, case.contract, review.id, answer(by="sofia"), SOON)
    with pytest.raises(Conflict, match="until 2026-11-02 09:30 UTC"):
        claim(session, case.contract, review.id, by="sofia", now=SOON, hold=HALF)

    assert review.due_at == due
    decide_on(session, case.contract, review.id, answer(by="sofia"), WHEN + HALF)


def test_a_claim_can_be_given_back_and_is_no_strangers(
    session: Session, case: Case, review: ReviewRow
) -> None:
    claim(session, case.contract, review.id, by="karim", now=WHEN, hold=HALF)
    claim(session, case.contract, review.id, by="karim", now=SOON, hold=timedelta())
    with pytest.raises(NotYours, match="ruth is not one of sales-desk"):
        claim(session, case.contract, review.id, by="ruth", now=SOON, hold=HALF)
    with pytest.raises(Invalid, match="at most 8:00:00"):
        claim(session, case.contract, review.id, by="karim", now=SOON, hold=timedelta(days=1))
    decide_on(session, case.contract, review.id, answer(by="sofia"), SOON)


def test_a_question_goes_out_and_its_answer_stands_in_the_brief(
    session: Session, case: Case, review: ReviewRow
) -> None:
    agreed, due = case.contract, review.due_at
    ask_back(session, agreed, review.id, by="karim", to="", words="Which office?", now=SOON)
    assert (review.status, review.asked, review.due_at) == (Status.OPEN, "sales-ops", due)
    with pytest.raises(NotYours, match="sales-ops was asked, and ruth is not one"):
        answer_back(session, agreed, review.id, by="ruth", words="Paris", now=SOON)
    answer_back(session, agreed, review.id, by="jan", words="Paris <b>!</b>", now=SOON)

    told = {(one.event, one.to) for one in waiting(session) if one.case_id == case.id}
    assert told == {(Event.INFO_REQUESTED, "sales-ops"), (Event.INFO_GIVEN, "sales-desk")}
    ruling = Ruling(right=Right.REVIEW, because="x", policy_version="1")
    page = as_markdown(brief_of(agreed, review, proposal(), ruling, "x", talk(session, case.id)))
    assert "karim to sales\\-ops: Which office?" in page
    assert "jan to sales\\-desk: Paris &lt;b\\>\\!&lt;/b\\>" in page
    assert review.asked == ""


@pytest.mark.parametrize(
    ("to", "words", "says"),
    [("", " ", "needs the question"), ("nobody-here", "x", "no group or person nobody-here")],
)
def test_a_question_has_words_and_somebody_to_go_to(
    session: Session, case: Case, review: ReviewRow, to: str, words: str, says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        ask_back(session, case.contract, review.id, by="karim", to=to, words=words, now=SOON)


def test_nobody_answers_what_nobody_asked(session: Session, case: Case, review: ReviewRow) -> None:
    with pytest.raises(Conflict, match="nobody has asked"):
        answer_back(session, case.contract, review.id, by="jan", words="x", now=SOON)


def test_what_is_escalated_is_the_next_ones_once(
    session: Session, case: Case, review: ReviewRow
) -> None:
    escalate(session, case.contract, review.id, by="karim", words="too large for me", now=SOON)
    assert (review.group, review.status) == ("sales-ops", Status.OPEN)
    assert [one.to for one in untold(session) if one.ref == review.id] == ["sales-ops"]
    ahead = session.exec(
        select(Deadline).where(
            Deadline.ref == review.id, Deadline.what == What.HAND_ON, Deadline.state == "ahead"
        )
    ).all()
    assert ahead == []
    with pytest.raises(Conflict, match="the last in the line"):
        escalate(session, case.contract, review.id, by="jan", words="", now=SOON)
    stands = decide_on(session, case.contract, review.id, answer(by="jan"), SOON)
    assert isinstance(stands, Decision)


def test_none_of_it_is_a_decision(session: Session, case: Case, review: ReviewRow) -> None:
    for verb in (Verb.REQUEST_INFO, Verb.ESCALATE):
        said = Answer(verb=verb, by="karim", proof=Proof.HOST, channel="cli")
        with pytest.raises(Invalid, match="decides nothing"):
            decide_on(session, case.contract, review.id, said, SOON)
    assert review.status == Status.OPEN
    assert session.get(NoticeRow, "nothing") is None
