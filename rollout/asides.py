"""
What a reviewer can do without deciding: take a question on, ask somebody first, hand it up.

None of it moves a deadline: whoever claims a question or asks about it still has as long as before.
"""

from datetime import datetime, timedelta
from typing import ClassVar

from sqlmodel import Session, col, select

from rollout.answers import Verb
from rollout.approvals import need_of, standing_in, standing_of
from rollout.canonical import Json
from rollout.case import Proposal
from rollout.contract import Contract
from rollout.deadlines import Deadline, State, What
from rollout.errors import Conflict, Invalid, NotYours
from rollout.ledger import Entry, Fact, note, recall, remember
from rollout.notices import Event, News, announce
from rollout.people import read_directory
from rollout.reviews import ReviewRow, Status, find_review

CLAIM = timedelta(minutes=30)
MOST_CLAIM = timedelta(hours=8)


class Said(Fact):
    """A question to somebody about a review, or what they answered."""

    kind: ClassVar[str] = "info"

    review_id: str
    by: str
    to: str
    words: str
    at: datetime
    is_answer: bool = False

    def public(self) -> dict[str, Json]:
        """Keep who asked whom; the words stay apart."""
        return {"review": self.review_id, "to": self.to, "answer": self.is_answer}


def claim(
    session: Session, contract: Contract, which: str, *, by: str, now: datetime, hold: timedelta
) -> ReviewRow:
    """Take a question on for a while: meanwhile nobody else decides it. Zero gives it back."""
    if not timedelta() <= hold <= MOST_CLAIM:
        raise Invalid(f"a claim holds for at most {MOST_CLAIM}: the deadline goes on meanwhile")
    review = _open(session, contract, which, by, now)
    held = review.claimed_until is not None and review.claimed_until > now
    if held and review.claimed_by != by:
        until = f"{review.claimed_until:%Y-%m-%d %H:%M} UTC"
        raise Conflict(f"{review.claimed_by} is deciding {review.id}, until {until} at most.")
    review.claimed_by, review.claimed_until = (by, now + hold) if hold else ("", None)
    session.add(review)
    _note(session, review, "claimed" if hold else "given_back", by, now, {})
    return review


def ask_back(
    session: Session,
    contract: Contract,
    which: str,
    *,
    by: str,
    to: str,
    words: str,
    now: datetime,
) -> ReviewRow:
    """Ask somebody about a question before it is decided; it stays open, and due as it was."""
    if not words.strip():
        raise Invalid(f"{Verb.REQUEST_INFO} needs the question: say what you want to know")
    review = _open(session, contract, which, by, now)
    directory = read_directory(session)
    whom = to or contract.owners.process
    if directory.people and not directory.knows(whom):
        raise Invalid(f"there is no group or person {whom}. `taxiway people` lists them.")
    review.asked = whom
    session.add(review)
    _say(session, review, Said(review_id=review.id, by=by, to=whom, words=words, at=now))
    announce(
        session,
        contract,
        News(
            Event.INFO_REQUESTED,
            to=whom,
            subject=f"{review.id}: {by} asks you something before deciding",
            text=f"{words}\nAnswer: taxiway review answer {review.id} --text ...",
            key=f"asked:{review.id}:{now.isoformat()}",
            case_id=review.case_id,
        ),
        now,
    )
    return review


def answer_back(
    session: Session, contract: Contract, which: str, *, by: str, words: str, now: datetime
) -> ReviewRow:
    """Answer a reviewer's question; the answer stands in the brief, and the reviewers are told."""
    if not words.strip():
        raise Invalid("there is no answer in it: --text TEXT")
    review = _locked(session, which)
    if not review.asked:
        raise Conflict(f"nobody has asked anything about {review.id}.")
    directory = read_directory(session)
    if standing_of(directory, by, [review.asked], now.date()) is None:
        raise NotYours(f"{review.asked} was asked, and {by} is not one of them.")
    _say(
        session,
        review,
        Said(review_id=review.id, by=by, to=review.group, words=words, at=now, is_answer=True),
    )
    review.asked = ""
    session.add(review)
    announce(
        session,
        contract,
        News(
            Event.INFO_GIVEN,
            to=review.group,
            subject=f"{review.id}: {by} has answered",
            text=words,
            key=f"answered:{review.id}:{now.isoformat()}",
            case_id=review.case_id,
            review_id=review.id,
        ),
        now,
    )
    return review


def escalate(
    session: Session, contract: Contract, which: str, *, by: str, words: str, now: datetime
) -> ReviewRow:
    """Hand a question to whoever is next in its line, now instead of at the deadline."""
    review = _open(session, contract, which, by, now)
    following = session.exec(
        select(Deadline)
        .where(
            Deadline.ref == review.id,
            Deadline.what == What.HAND_ON,
            Deadline.state == State.AHEAD,
        )
        .order_by(col(Deadline.at))
        .limit(1)
    ).one_or_none()
    if following is None:
        raise Conflict(f"{review.group} is the last in the line for {review.id}: decide it there.")
    following.at, following.state = now, State.PASSED  # people are told as if it had come
    review.group, review.due_at = following.to, following.until or review.due_at
    review.claimed_by, review.claimed_until = "", None
    session.add_all([following, review])
    _note(session, review, "escalated", by, now, {"to": review.group, "words": len(words)})
    if words.strip():
        _say(
            session, review, Said(review_id=review.id, by=by, to=review.group, words=words, at=now)
        )
    return review


def talk(session: Session, case_id: str) -> list[Said]:
    """Give what was asked and answered about a case's reviews, the earliest first."""
    steps = session.exec(
        select(Entry.step)
        .where(Entry.case_id == case_id, Entry.kind == Said.kind)
        .order_by(col(Entry.seq))
    ).all()
    found = (recall(session, case_id, step, Said) for step in steps if step)
    return [one for one in found if one is not None]


def _open(session: Session, contract: Contract, which: str, by: str, now: datetime) -> ReviewRow:
    """Give an open review to somebody who may answer it."""
    review = _locked(session, which)
    if review.status != Status.OPEN:
        raise Conflict(f"{review.id} is {review.status}: there is nothing left to decide.")
    proposal = recall(session, review.case_id, review.step, Proposal)
    need = need_of(contract, proposal.action) if proposal else None
    standing_in(read_directory(session), by, need, review.group, review.id, now.date())
    return review


def _locked(session: Session, which: str) -> ReviewRow:
    review = find_review(session, which)
    session.refresh(review, with_for_update=True)
    return review


def _say(session: Session, review: ReviewRow, said: Said) -> None:
    so_far = len(talk(session, review.case_id))
    remember(
        session,
        workflow=review.workflow,
        case_id=review.case_id,
        step=f"info-{so_far + 1}",
        fact=said,
        actor=said.by,
        at=said.at,
    )


def _note(
    session: Session, review: ReviewRow, kind: str, by: str, now: datetime, more: dict[str, Json]
) -> None:
    note(
        session,
        workflow=review.workflow,
        case_id=review.case_id,
        kind=kind,
        actor=by,
        at=now,
        fields={"review": review.id, **more},
    )
