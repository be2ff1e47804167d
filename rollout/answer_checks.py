"""What an answer must be before anybody asks whose it is, or who was first."""

from rollout.answers import DECIDING, Answer, Reason, Verb
from rollout.case import Proposal
from rollout.decisions import edited
from rollout.errors import Invalid
from rollout.reviews import ReviewRow


def check_answer(review: ReviewRow, answer: Answer, proposal: Proposal) -> None:
    """Raise `Invalid` for an answer that could not stand, whoever was first."""
    if answer.verb not in DECIDING:
        raise Invalid(f"{answer.verb} decides nothing")
    if not answer.by:
        raise Invalid("a decision needs a person: say who decides")
    if answer.verb is not Verb.EDIT and answer.edit:
        raise Invalid(f"{answer.verb} takes no changes; to change something, edit")
    if review.blind and answer.verb is Verb.APPROVE:
        raise Invalid(
            f"{review.id} is answered before the proposal is shown: edit says what you would do "
            f"({', '.join(sorted(review.choices))})"
        )
    if answer.verb is Verb.EDIT:
        _check_edit(review, answer, proposal)
    own_answer = review.blind and answer.verb is Verb.EDIT
    if answer.verb in {Verb.EDIT, Verb.REJECT} and answer.reason is None and not own_answer:
        known = ", ".join(reason.value for reason in Reason)
        raise Invalid(f"{answer.verb} needs a reason, one of: {known}")
    if answer.verb is Verb.APPROVE and not _has_grounds(proposal, answer):
        raise Invalid("there is no evidence that could be trusted: say why you approve it")


def _has_grounds(proposal: Proposal, answer: Answer) -> bool:
    """Whether there is evidence, or a rule, or a person's own words."""
    by_rule = proposal.decided_by != "agent"
    seen = any(one.trusted for one in proposal.evidence)
    return by_rule or seen or bool(answer.comment or answer.reason)


def _check_edit(review: ReviewRow, answer: Answer, proposal: Proposal) -> None:
    if not answer.edit:
        raise Invalid(f"an edit changes something: one of {', '.join(sorted(review.choices))}")
    for field, value in answer.edit.items():
        if field not in review.choices:
            raise Invalid(f"{field} cannot be edited; these can: {', '.join(review.choices)}")
        allowed: list[str] = review.choices[field]
        if value not in allowed:
            raise Invalid(f"{field} cannot be {value!r}; known: {', '.join(allowed)}")
    if missing := sorted(set(review.choices) - set(answer.edit)) if review.blind else []:
        raise Invalid(f"say what you would do: {', '.join(missing)} is missing")
    if not review.blind and edited(proposal.action, answer.edit) == proposal.action:
        raise Invalid("the edit changes nothing: approve it instead")
