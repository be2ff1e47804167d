"""
Asking a person: the only place that knows how Prefect suspends a run.

The question is stored first and the run suspended second. A woken run reads the answer from the
ledger. If it was woken by the form in the Prefect UI, the form's content goes through the same
door as every other answer; if it was woken without a usable answer, it goes back to sleep under
the next key. A change that needs another's word is asked again, as a review of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from prefect import get_run_logger
from prefect.exceptions import PrefectHTTPStatusError
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from pydantic import Field, ValidationError, create_model

from integrations.clock import now
from integrations.database import transaction
from rollout.answers import Answer, Proof, Reason, Verb
from rollout.asides import talk
from rollout.brief import as_markdown, brief_of
from rollout.case import Case, Proposal, find_case
from rollout.contract import Contract
from rollout.decisions import Decision, decision_step
from rollout.errors import TaxiwayError
from rollout.ledger import note, recall, remember
from rollout.planted import TOLD, note_planted, planted_first
from rollout.reviews import OVER, ReviewRow, Status, find_review
from rollout.rights import Ruling
from tasks.cases import TAXIWAY, rule_case
from tasks.decisions import take_answer
from tasks.questions import Question, open_review

MOST_SLEEPS = 200
MOST_ROUNDS = 10  #: changes of changes, each for somebody else to approve
NO_REASON = "no reason"  #: an optional choice would be a riddle of types in the UI's form
UNSAID = "choose"  #: of a field that must be answered, and shows no proposal
EXPIRED = "nobody decided in time"


class ReviewForm(RunInput):
    """The fields that every review's form has. The verb has no default, so none is invented."""

    verb: Literal["approve", "edit", "reject", "escalate"] = Field(
        title="Your answer", description="What is to happen."
    )
    by: str = Field(title="Your name", description="Who decides.", min_length=1, max_length=100)
    reason: Literal[(NO_REASON, *(reason.value for reason in Reason))] = Field(  # type: ignore[valid-type] # a Literal made of an enum
        default=NO_REASON, title="Why", description="Needed for edit and reject."
    )


@dataclass(frozen=True)
class Asked:
    """What a person said; without a decision, why there is none."""

    decision: Decision | None
    because: str = ""


async def ask_reviewer(
    case: Case,
    proposal: Proposal,
    ruling: Ruling,
    choices: Mapping[str, Sequence[str]],
    wrong: Mapping[str, Sequence[str]] | None = None,
) -> Asked:
    """
    Ask a person about a proposal; give the decision, or why nobody decided.

    `choices` are the values that the reviewer may set instead, by field; `wrong` those that would
    be an error beyond doubt, of which a share of cases shows one first. The run leaves the process
    while it waits. Awaited in the flow's own body, since a task cannot suspend.
    """
    question, first = Question(proposal, ruling, choices), 1
    with transaction() as session:
        error = planted_first(session, case, proposal, wrong or {})
    if error is not None:
        asked = await _ask_planted(case, question, error)
        if asked is not None:
            return asked
        question, first = _the_real_one(case, question), 2
    for nth in range(first, MOST_ROUNDS + 1):
        review = open_review(case, question, nth)
        decision = await _answer_of(case, review, question)
        if decision is None:
            return Asked(None, _why_not(review))
        if decision.is_enough:
            return Asked(decision)
        changed = decision.applied_to(question.proposal)
        question = Question(changed, rule_case(case, changed), choices, edited_by=decision.by)
    raise TaxiwayError(f"{case.id} was changed {MOST_ROUNDS} times without being approved")


async def _ask_planted(case: Case, question: Question, error: Proposal) -> Asked | None:
    """Ask about an error first; None where the real proposal is to be asked about then."""
    shown = replace(question, proposal=error)
    review = open_review(case, shown, 1)
    decision = await _answer_of(case, review, shown)
    if decision is None:
        return Asked(None, _why_not(review))
    with transaction() as session:
        found = note_planted(session, case.contract, case.id, error, decision)
    own_answer = found and decision.verb is Verb.EDIT and decision.is_enough
    return Asked(decision) if own_answer else None


def _the_real_one(case: Case, question: Question) -> Question:
    """Give the question about what was really proposed, which says what the one before was."""
    proposal = question.proposal.model_copy(update={"revision": question.proposal.revision + 1})
    why = question.ruling.triggers or (question.ruling.because,)
    ruling = question.ruling.model_copy(update={"triggers": (TOLD, *why)})
    with transaction() as session:
        ruling = remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=f"ruling-{proposal.revision}",
            fact=ruling,
            actor=TAXIWAY,
            at=now(),
        )
    return replace(question, proposal=proposal, ruling=ruling)


async def _answer_of(case: Case, review: ReviewRow, question: Question) -> Decision | None:
    """Sleep until a review is over; give its decision, if it has one."""
    refused = ""
    for sleep in range(review.sleep, review.sleep + MOST_SLEEPS):
        over, decision = _answer_to(review)
        if over:
            return decision
        form = _form(case.contract, review, question, refused)
        try:
            filled = await asuspend_flow_run(
                wait_for_input=form, timeout=None, key=f"review-{review.nth}-{sleep}"
            )
        except (ValidationError, PrefectHTTPStatusError):
            filled = None  # this key was used up by a crash, or by a wake without a form
        if not _answer_to(review)[0]:
            refused = _take(case.contract, review, question.proposal, filled)
        _next_sleep(review, sleep + 1)
    raise TaxiwayError(f"{review.id} was woken {MOST_SLEEPS} times without an answer")


def _answer_to(review: ReviewRow) -> tuple[bool, Decision | None]:
    """Say whether a review is over, and give its decision if there is one."""
    with transaction() as session:
        decision = recall(session, review.case_id, decision_step(review.nth), Decision)
        status = find_review(session, review.id).status
    return decision is not None or status in OVER, decision


def _why_not(review: ReviewRow) -> str:
    with transaction() as session:
        row = find_review(session, review.id)
    if row.status == Status.WITHDRAWN:
        return "the question was withdrawn: the stage was lowered while it waited"
    return EXPIRED


def _take(
    contract: Contract, review: ReviewRow, proposal: Proposal, filled: ReviewForm | None
) -> str:
    """Pass a form on to `decide`; give the reason if it was refused."""
    if filled is None:
        with transaction() as session:
            if find_review(session, review.id).status == Status.OPEN:
                note(
                    session,
                    workflow=review.workflow,
                    case_id=review.case_id,
                    kind="out_of_band_resume",
                    actor="unknown",
                    at=now(),
                    fields={"review": review.id},
                )
        return "The run was resumed without an answer."
    edit = filled.model_dump(exclude={"verb", "by", "reason"})
    answer = Answer(
        verb=Verb(filled.verb),
        by=filled.by,
        proof=Proof.DECLARED,
        channel="prefect-ui",
        edit=_edit(edit, proposal, review) if filled.verb == "edit" else {},
        reason=None if filled.reason == NO_REASON else Reason(filled.reason),
        action_hash=review.action_hash,
    )
    try:
        taken = take_answer(contract, review.id, answer)
    except TaxiwayError as no:
        get_run_logger().warning("The answer was not taken: %s", no)
        return f"Your last answer was not taken. {no}"
    return "" if taken.decision else taken.words


def _edit(edit: Mapping[str, str], proposal: Proposal, review: ReviewRow) -> dict[str, str]:
    if review.blind:
        return {field: value for field, value in edit.items() if value != UNSAID}
    return {
        field: value
        for field, value in edit.items()
        if proposal.action.arguments.get(field) != value
    }


def _form(
    contract: Contract, review: ReviewRow, question: Question, refused: str
) -> type[ReviewForm]:
    """Build the form: its fields, each as proposed, what else to choose, and the brief above."""
    proposed = question.proposal.action.arguments
    extra = {
        field: _blind_field(field, values)
        if review.blind
        else _field(field, proposed[field], values)
        for field, values in review.choices.items()
    }
    if review.blind:
        extra["verb"] = (Literal["edit", "reject", "escalate"], ReviewForm.model_fields["verb"])
    form = create_model("ReviewForm", __base__=ReviewForm, **extra)  # type: ignore[call-overload] # fields made at run time
    with transaction() as session:
        label = find_case(session, review.case_id).label
        review = find_review(session, review.id)
        said = talk(session, review.case_id)
    brief = as_markdown(brief_of(contract, review, question.proposal, question.ruling, label, said))
    notice = f"**{refused}**\n\n" if refused else ""
    made: type[ReviewForm] = form.with_initial_data(description=notice + brief)
    return made


def _field(field: str, proposed: str, values: Sequence[str]) -> tuple[Any, Any]:
    return (
        Literal[tuple(dict.fromkeys((proposed, *values)))],
        Field(
            default=proposed,
            title=field.capitalize(),
            description=f"For an edit, choose another {field}.",
        ),
    )


def _blind_field(field: str, values: Sequence[str]) -> tuple[Any, Any]:
    """Build a field that shows nothing of what was proposed, and so has no default."""
    return (
        Literal[(UNSAID, *values)],
        Field(
            default=UNSAID,
            title=field.capitalize(),
            description=f"Which {field} would you choose? The proposal is not shown.",
        ),
    )


def _next_sleep(review: ReviewRow, number: int) -> None:
    with transaction() as session:
        row = find_review(session, review.id)
        row.sleep = max(row.sleep, number)
        session.add(row)
