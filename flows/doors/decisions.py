"""What every door for people shares: the brief of a review, and the way to `decide`."""

from collections.abc import Mapping

from flows.catalog import workflow
from integrations.database import transaction
from rollout.answers import Answer, Proof, Reason, Verb
from rollout.asides import talk
from rollout.brief import as_markdown, brief_of
from rollout.case import Proposal, find_case
from rollout.errors import Invalid, Unknown
from rollout.ledger import recall
from rollout.people import read_directory
from rollout.reviews import find_review
from rollout.rights import Ruling
from tasks.decisions import Taken, take_answer


def brief(which: str) -> str:
    """Render what a reviewer needs, as markdown."""
    with transaction() as session:
        review = find_review(session, which)
        proposal = recall(session, review.case_id, review.step, Proposal)
        ruling = recall(session, review.case_id, f"ruling-{review.nth}", Ruling)
        label = find_case(session, review.case_id).label
        said = talk(session, review.case_id)
    if proposal is None or ruling is None:
        raise Unknown(f"what {review.id} was about has been erased")
    return as_markdown(
        brief_of(workflow(review.workflow).contract, review, proposal, ruling, label, said)
    )


def decide_from_terminal(
    which: str,
    verb: str,
    *,
    by: str | None,
    user: str,
    edit: Mapping[str, str],
    reason: str | None,
    comment: str,
    to: str = "",
) -> Taken:
    """
    Decide as the host's user, or as somebody named, which is only declared.

    Raises a `TaxiwayError` that says why the answer cannot be taken.
    """
    answer = Answer(
        verb=Verb(verb),
        by=by or person_behind(user),
        proof=Proof.DECLARED if by else Proof.HOST,
        channel="cli",
        edit=edit,
        reason=_reason(reason),
        comment=comment,
    )
    with transaction() as session:
        review = find_review(session, which)
    return take_answer(workflow(review.workflow).contract, review.id, answer, to)


def person_behind(user: str) -> str:
    """Give the person who has a login on this host; the login itself where nobody is known."""
    with transaction() as session:
        person = read_directory(session).by_login(user)
    return person.id if person else user


def _reason(code: str | None) -> Reason | None:
    if code is None:
        return None
    known = [reason.value for reason in Reason]
    if code not in known:
        raise Invalid(f"{code} is not a reason; known: {', '.join(known)}")
    return Reason(code)
