"""
What a reviewer sees near the decision: one structure, rendered for each place it is read in.

Text from outside is quoted as text: no link, no image, no markup of its own survives.
"""

import re
import unicodedata
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

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
    answers: tuple[str, ...]  #: what happens on each answer
    deadline: str


def brief_of(
    contract: Contract, review: ReviewRow, proposal: Proposal, ruling: Ruling, label: str
) -> Brief:
    """Gather what the reviewer needs."""
    action = proposal.action
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
        answers=(
            "approve: exactly this is written",
            f"edit: your change is written ({', '.join(sorted(review.choices))})",
            "reject: nothing is written and the case is closed",
        ),
        deadline=f"{review.due_at:%Y-%m-%d %H:%M} UTC, for {review.group}",
    )


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
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-!|~>$])", r"\\\1", plain(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace("://", ":\u200b//")


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
    yield "**Your answer**"
    yield from (f"- {quoted(line)}" for line in brief.answers)
    yield ""
    yield f"Due {brief.deadline}."


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cf", "Cc", "Cs", "Co"}
