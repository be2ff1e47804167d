"""
What a reviewer sees near the decision: one structure, rendered for each place it is read in.

Text from outside is quoted as text: no link, no image, no markup of its own survives.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from rollout.approvals import need_of
from rollout.asides import Said
from rollout.case import Evidence, Proposal
from rollout.contract import Contract
from rollout.reviews import ReviewRow
from rollout.rights import Ruling

MOST_BYTES = 65_536
MOST_QUOTED = 500  #: characters of one value


class Brief(BaseModel):
    """Everything that belongs near the decision."""

    model_config = ConfigDict(frozen=True)

    review: str
    title: str
    does: tuple[str, ...]  #: exactly what will run
    because: tuple[str, ...]  #: every trigger
    sureness: str
    evidence: tuple[Evidence, ...]
    said: tuple[str, ...]  #: what was asked and answered about it
    answers: tuple[str, ...]  #: what happens on each answer
    deadline: str


def brief_of(
    contract: Contract,
    review: ReviewRow,
    proposal: Proposal,
    ruling: Ruling,
    label: str,
    said: Sequence[Said] = (),
) -> Brief:
    """Gather what the reviewer needs; before a blind answer nothing of what was proposed."""
    action = proposal.action
    if review.blind:
        return _blind_brief(contract, review, proposal, label, said)
    calibrated = (
        f"calibrated on {proposal.calibrated_on} labelled cases"
        if proposal.calibrated_on >= contract.calibration_needed
        else "uncalibrated"
    )
    return Brief(
        review=review.id,
        title=f"{review.case_id} {label}",
        does=(
            f"{action.name} on {action.target}",
            *(f"{name}: {value}" for name, value in sorted(action.arguments.items())),
            f"why: {proposal.reason}",
        ),
        because=ruling.triggers or (ruling.because,),
        sureness=(
            f"agent {proposal.confidence:.0%}, data {proposal.data_confidence:.0%} ({calibrated})"
        ),
        evidence=proposal.evidence,
        said=tuple(f"{one.by} to {one.to}: {one.words}" for one in said),
        answers=tuple(_answers(contract, review, proposal)),
        deadline=f"{review.due_at:%Y-%m-%d %H:%M} UTC, for {review.group}",
    )


def _blind_brief(
    contract: Contract, review: ReviewRow, proposal: Proposal, label: str, said: Sequence[Said]
) -> Brief:
    fields = ", ".join(sorted(review.choices))
    return Brief(
        review=review.id,
        title=f"{review.case_id} {label}",
        does=(f"{proposal.action.name} on {proposal.action.target}", f"you say: {fields}"),
        because=("a share of the cases is decided before the proposal is shown, to measure both",),
        sureness="not shown",
        evidence=tuple(
            one.model_copy(update={"says": one.field, "points": 0.0}) for one in proposal.evidence
        ),
        said=tuple(f"{one.by} to {one.to}: {one.words}" for one in said),
        answers=tuple(_answers(contract, review, proposal)),
        deadline=f"{review.due_at:%Y-%m-%d %H:%M} UTC, for {review.group}",
    )


def _answers(contract: Contract, review: ReviewRow, proposal: Proposal) -> Iterator[str]:
    need = need_of(contract, proposal.action)
    several = f", once {' and '.join(need.by)} have said so" if need and len(need.by) > 1 else ""
    fields = ", ".join(sorted(review.choices))
    if review.blind:
        yield f"edit: your answer is written ({fields}); one beyond your authority is asked again"
    else:
        yield f"approve: exactly this is written{several}"
        yield f"edit: your change is written ({fields}); one beyond your authority is asked again"
    yield "reject: nothing is written and the case is closed"
    yield f"request_info: {contract.owners.process}, or whom you name, is asked; it stays due"
    after = _next(contract, review)
    yield f"escalate: {after} has it, now" if after else "escalate: nobody is next in the line"


def _next(contract: Contract, review: ReviewRow) -> str:
    names = [leg.to for leg in contract.review_then]
    behind = names.index(review.group) + 1 if review.group in names else 0
    return names[behind] if behind < len(names) else ""


def as_markdown(brief: Brief) -> str:
    """Render a brief for the Prefect UI, at most 64 KiB."""
    text = "\n".join(_markdown(brief))
    return text.encode()[:MOST_BYTES].decode(errors="ignore")


def plain(text: str, most: int = MOST_QUOTED) -> str:
    """Give text from outside as one visible line: no control or invisible characters."""
    seen = "".join(
        character if character.isprintable() and not _is_invisible(character) else " "
        for character in text
    )
    line = " ".join(seen.split())
    return line if len(line) <= most else f"{line[:most]}…"


def quoted(text: str) -> str:
    """Give text from outside for a markdown page: every mark of markup is escaped."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-!|~>$])", r"\\\1", plain(text) or "(empty)")
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace("://", ":\u200b//")
    return re.sub(r"(www)(\.)", "\\1\u200b\\2", escaped, flags=re.IGNORECASE)


def _markdown(brief: Brief) -> Iterator[str]:
    yield f"## {quoted(brief.title)}"
    yield ""
    yield f"**Will run** ({brief.review})"
    yield from (f"- {quoted(line)}" for line in brief.does)
    yield ""
    yield f"**Why you are asked** (confidence: {quoted(brief.sureness)})"
    yield from (f"- {quoted(line)}" for line in brief.because)
    yield ""
    yield "**Evidence**"
    for one in brief.evidence:
        mark = "untrusted text, " if not one.trusted else ""
        yield (
            f"- {quoted(one.says)}: **{quoted(one.value)}** ({mark}{quoted(one.source)} "
            f"{quoted(one.record)}, {one.retrieved_at:%Y-%m-%d %H:%M} UTC, {one.points:+.2f})"
        )
    yield ""
    if brief.said:
        yield "**Asked and answered**"
        yield from (f"- {quoted(line)}" for line in brief.said)
        yield ""
    yield "**Your answer**"
    yield from (f"- {quoted(line)}" for line in brief.answers)
    yield ""
    yield f"Due {brief.deadline}."


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cf", "Cc", "Cs", "Co"}
