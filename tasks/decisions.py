"""Taking what a person says to a review, through whichever door it came."""

from dataclasses import dataclass

from integrations.clock import now
from integrations.database import transaction
from rollout.answers import Answer, Verb
from rollout.asides import ask_back, escalate
from rollout.contract import Contract
from rollout.deciding import decide_on, record_try
from rollout.decisions import Approval, Decision
from rollout.errors import NotYours, TooLate
from rollout.people import read_directory
from rollout.shadow import take_review


@dataclass(frozen=True)
class Taken:
    """What became of an answer, in words for whoever gave it."""

    words: str
    decision: Decision | None = None  #: None while the review stays open


def take_answer(contract: Contract, review_id: str, answer: Answer, to: str = "") -> Taken:
    """
    Take an answer; raises a `TaxiwayError` that says why it cannot be taken.

    One that came too late, or was not theirs to give, is kept as such. `to` is whom a question
    goes to; without it, to the process owner.
    """
    with transaction() as session:
        person = read_directory(session).called(answer.by)
    if person is not None:
        answer = answer.model_copy(update={"by": person.id})
    try:
        with transaction() as session:
            if answer.verb is Verb.REQUEST_INFO:
                row = ask_back(
                    session,
                    contract,
                    review_id,
                    by=answer.by,
                    to=to,
                    words=answer.comment,
                    now=now(),
                )
                return Taken(f"{row.id}: {row.asked} is asked; it stays due {row.due_at:%Y-%m-%d}.")
            if answer.verb is Verb.ESCALATE:
                row = escalate(
                    session, contract, review_id, by=answer.by, words=answer.comment, now=now()
                )
                return Taken(f"{row.id} is {row.group}'s now, due {row.due_at:%Y-%m-%d %H:%M} UTC.")
            stands = decide_on(session, contract, review_id, answer, now())
            if isinstance(stands, Decision):
                take_review(session, contract, stands, now())
            return _in_words(stands)
    except (TooLate, NotYours) as no:
        kind = "late_answer" if isinstance(no, TooLate) else "refused_answer"
        with transaction() as session:
            record_try(session, review_id, answer, now(), kind)
        raise


def _in_words(stands: Decision | Approval) -> Taken:
    if isinstance(stands, Approval):
        still = " and ".join(stands.still)
        return Taken(f"{stands.review_id}: {stands.by} says yes; {still} must say so too.")
    if not stands.is_enough:
        needed = " and ".join(stands.needed)
        return Taken(f"{stands.review_id}: the change needs the word of {needed}: they are asked.")
    return Taken(
        f"{stands.review_id}: {stands.verb} by {stands.by} is on record; its run goes on.", stands
    )
