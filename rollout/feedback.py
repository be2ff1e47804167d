"""
What people made of proposals: every decision is a case that an agent can be judged by.

Nothing is stored twice: an evaluation case is read from the ledger, so that what was erased there
is gone here too.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from rollout.answers import Verb
from rollout.case import Proposal
from rollout.decisions import Decision
from rollout.ledger import Entry, Personal, recall
from rollout.reviews import find_review

RUBBER_STAMP = 2.0  #: seconds of looking below which a yes says little


@dataclass(frozen=True)
class EvaluationCase:
    """One proposal, what a person made of it, and where both come from."""

    case_id: str
    workflow: str
    release: str
    decided_by: str  #: the agent, or the rule
    proposed: Mapping[str, str]
    wanted: Mapping[str, str] | None  #: what was right in the person's eyes; None: nothing
    verb: Verb
    reason: str | None
    fault: str | None  #: agent, data, process, policy or other
    confidence: float
    evidence: int
    edit_distance: float
    seconds_open: float
    looked_seconds: float | None
    expanded: tuple[str, ...]
    by: str
    proof: str
    channel: str
    review_id: str
    at: datetime

    @property
    def is_rubber_stamp(self) -> bool:
        """Whether somebody said yes faster than anybody reads."""
        fast = self.looked_seconds is not None and self.looked_seconds < RUBBER_STAMP
        return self.verb is Verb.APPROVE and fast


@dataclass(frozen=True)
class Summary:
    """What many evaluation cases come to."""

    decisions: int
    accepted: int  #: approved as proposed
    edited: int
    rejected: int
    mean_edit_distance: float  #: of the edited ones
    rubber_stamps: int
    faults: Mapping[str, int]


def evaluation_cases(
    session: Session, workflow: str, since: datetime | None = None, most: int = 10_000
) -> Iterator[EvaluationCase]:
    """Give the decisions of a workflow that are not erased, the earliest first."""
    wanted = (
        select(Entry, Personal)
        .join(Personal, col(Personal.seq) == col(Entry.seq))
        .where(Entry.workflow == workflow, Entry.kind == Decision.kind)
        .order_by(col(Entry.seq))
        .limit(most)
    )
    if since is not None:
        wanted = wanted.where(Entry.at >= since)
    for entry, personal in session.exec(wanted).all():
        found = _one(session, entry, personal.payload)
        if found is not None:
            yield found


def summary(cases: Iterator[EvaluationCase]) -> Summary:
    """Count them."""
    found = list(cases)
    edited = [one.edit_distance for one in found if one.verb is Verb.EDIT]
    return Summary(
        decisions=len(found),
        accepted=sum(one.verb is Verb.APPROVE for one in found),
        edited=len(edited),
        rejected=sum(one.verb is Verb.REJECT for one in found),
        mean_edit_distance=sum(edited) / len(edited) if edited else 0.0,
        rubber_stamps=sum(one.is_rubber_stamp for one in found),
        faults=dict(Counter(one.fault for one in found if one.fault)),
    )


def _one(session: Session, entry: Entry, payload: Mapping[str, Any]) -> EvaluationCase | None:
    decision = Decision.model_validate(payload)
    if decision.planted:
        return None  # it says something about the person, and nothing about the agent
    review = find_review(session, decision.review_id)
    proposal = recall(session, review.case_id, review.step, Proposal)
    if proposal is None:
        return None
    proposed = dict(proposal.action.arguments)
    wanted = None if decision.verb is Verb.REJECT else {**proposed, **decision.edit}
    return EvaluationCase(
        case_id=review.case_id,
        workflow=entry.workflow,
        release=proposal.release,
        decided_by=proposal.decided_by,
        proposed=proposed,
        wanted=wanted,
        verb=decision.verb,
        reason=decision.reason.value if decision.reason else None,
        fault=decision.reason.fault if decision.reason else None,
        confidence=proposal.confidence,
        evidence=len(proposal.evidence),
        edit_distance=round(decision.edit_distance, 4),
        seconds_open=decision.seconds_open,
        looked_seconds=decision.looked_seconds,
        expanded=decision.expanded,
        by=decision.by,
        proof=decision.proof,
        channel=decision.channel,
        review_id=review.id,
        at=decision.at,
    )
