"""
Asking a person: the only place that knows how Prefect suspends a run.

The question is stored first and the run suspended second. A woken run reads the answer from the
ledger. If it was woken by the form in the Prefect UI, the form's content goes through `decide`
like every other answer; if it was woken without a usable answer, it goes back to sleep under the
next key.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from prefect import get_run_logger
from prefect.exceptions import PrefectHTTPStatusError
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field, ValidationError, create_model

from integrations.clock import now
from integrations.database import transaction
from rollout.brief import as_markdown, brief_of
from rollout.case import Case, Proposal, find_case
from rollout.contract import UNANSWERED, Contract, Leg
from rollout.deadlines import Kind, Line, plan
from rollout.decisions import Answer, Decision, Proof, Reason, Verb, decision_step
from rollout.errors import TaxiwayError
from rollout.ledger import note, recall
from rollout.people import read_directory
from rollout.reviews import ReviewRow, Status, find_review
from rollout.rights import Ruling
from tasks.cases import PROPOSAL
from tasks.decisions import take_answer

MOST_SLEEPS = 200
NO_REASON = "no reason"  #: an optional choice would be a riddle of types in the UI's form


class ReviewForm(RunInput):
    """The fields that every review's form has. The verb has no default, so none is invented."""

    verb: Literal["approve", "edit", "reject"] = Field(
        title="Your answer", description="What is to happen."
    )
    by: str = Field(title="Your name", description="Who decides.", min_length=1, max_length=100)
    reason: Literal[(NO_REASON, *(reason.value for reason in Reason))] = Field(  # type: ignore[valid-type] # a Literal made of an enum
        default=NO_REASON, title="Why", description="Needed for edit and reject."
    )


async def ask_reviewer(
    case: Case,
    proposal: Proposal,
    ruling: Ruling,
    choices: Mapping[str, Sequence[str]],
) -> Decision | None:
    """
    Ask a person about a proposal; give the decision, or None where nobody decided in time.

    `choices` are the values that the reviewer may set instead, by field. The run leaves the
    process while it waits. Awaited in the flow's own body, since a task cannot suspend.
    """
    review = open_review(case, proposal, ruling, choices)
    refused = ""
    for sleep in range(review.sleep, review.sleep + MOST_SLEEPS):
        over, decision = _answer_to(review)
        if over:
            return decision
        form = _form(case.contract, review, proposal, ruling, refused)
        try:
            filled = await asuspend_flow_run(
                wait_for_input=form, timeout=None, key=f"review-{review.nth}-{sleep}"
            )
        except (ValidationError, PrefectHTTPStatusError):
            filled = None  # this key was used up by a crash, or by a wake without a form
        if not _answer_to(review)[0]:
            refused = _take(case.contract, review, proposal, filled)
        _next_sleep(review, sleep + 1)
    raise TaxiwayError(f"{review.id} was woken {MOST_SLEEPS} times without an answer")


def open_review(
    case: Case,
    proposal: Proposal,
    ruling: Ruling,
    choices: Mapping[str, Sequence[str]],
    nth: int = 1,
) -> ReviewRow:
    """Store the question, once, and give it as it stands."""
    moment = now()
    with transaction() as session:
        stands: ReviewRow | None = session.get(ReviewRow, f"R-{case.id}-{nth}")
        if stands is not None:
            return stands
        review = ReviewRow(
            id=f"R-{case.id}-{nth}",
            case_id=case.id,
            workflow=case.workflow,
            nth=nth,
            step=PROPOSAL,
            action_hash=proposal.action.hash,
            group=case.contract.owners.reviewer,
            because=ruling.because,
            choices={field: list(values) for field, values in choices.items()},
            flow_run_id=flow_run.id,
            opened_at=moment,
            due_at=moment,
        )
        line = Line(
            (Leg(review.group, case.contract.review_within), *case.contract.review_then),
            _after_silence(case.contract),
        )
        review.due_at = plan(
            session,
            read_directory(session),
            line,
            kind=Kind.REVIEW,
            ref=review.id,
            case_id=case.id,
            workflow=case.workflow,
            start=moment,
        ).due_at
        session.add(review)
        note(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=f"review-{nth}",
            kind="review",
            actor="taxiway",
            at=moment,
            fields={
                "review": review.id,
                "group": review.group,
                "hash": review.action_hash,
                "due_at": review.due_at.isoformat(),
            },
        )
    return review


def _after_silence(contract: Contract) -> str:
    """Name who has a case when nobody decides."""
    handoff = contract.exception(UNANSWERED)
    return handoff.to if handoff else contract.owners.process


def _answer_to(review: ReviewRow) -> tuple[bool, Decision | None]:
    """Say whether a review is over, and give its decision if there is one."""
    with transaction() as session:
        decision = recall(session, review.case_id, decision_step(review.nth), Decision)
        status = find_review(session, review.id).status
    return decision is not None or status == Status.EXPIRED, decision


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
        edit=_changed(edit, proposal) if filled.verb == "edit" else {},
        reason=None if filled.reason == NO_REASON else Reason(filled.reason),
        action_hash=review.action_hash,
    )
    try:
        take_answer(contract, review.id, answer)
    except TaxiwayError as no:
        get_run_logger().warning("The answer was not taken: %s", no)
        return str(no)
    return ""


def _changed(edit: Mapping[str, str], proposal: Proposal) -> dict[str, str]:
    return {
        field: value
        for field, value in edit.items()
        if proposal.action.arguments.get(field) != value
    }


def _form(
    contract: Contract, review: ReviewRow, proposal: Proposal, ruling: Ruling, refused: str
) -> type[ReviewForm]:
    """Build the form: its fields, each as proposed, what else to choose, and the brief above."""
    proposed = proposal.action.arguments
    extra = {
        field: (
            Literal[tuple(dict.fromkeys((proposed[field], *values)))],
            Field(
                default=proposed[field],
                title=field.capitalize(),
                description=f"For an edit, choose another {field}.",
            ),
        )
        for field, values in review.choices.items()
    }
    form = create_model("ReviewForm", __base__=ReviewForm, **extra)  # type: ignore[call-overload] # fields made at run time
    with transaction() as session:
        label = find_case(session, review.case_id).label
    brief = as_markdown(brief_of(contract, review, proposal, ruling, label))
    notice = f"**Your last answer was not taken.** {refused}\n\n" if refused else ""
    made: type[ReviewForm] = form.with_initial_data(description=notice + brief)
    return made


def _next_sleep(review: ReviewRow, number: int) -> None:
    with transaction() as session:
        row = find_review(session, review.id)
        row.sleep = max(row.sleep, number)
        session.add(row)
