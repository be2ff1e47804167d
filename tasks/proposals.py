"""What every step that asks an agent does: note that it was asked, and take what it answered."""

from dataclasses import asdict

from integrations.agents import Answer, Release
from integrations.clock import now
from integrations.database import transaction
from rollout.case import Action, Case, Cost, Evidence, Proposal
from rollout.ledger import note_next


def note_asked(case: Case, release: Release) -> None:
    """Note that a case's agent is asked; each call counts, also one whose answer gets lost."""
    with transaction() as session:
        note_next(
            session,
            workflow=case.workflow,
            case_id=case.id,
            kind="asked",
            actor="taxiway",
            at=now(),
            fields={"release": release.id},
        )


def proposal_of(action: Action, answer: Answer, seconds: float, release: Release) -> Proposal:
    """Give an agent's answer as the case remembers it."""
    return Proposal(
        action=action,
        reason=answer.reason,
        confidence=answer.confidence,
        data_confidence=answer.data_confidence,
        calibrated_on=release.calibrated_on,
        conflicts=answer.conflicts,
        unclear=answer.unclear,
        evidence=tuple(Evidence.model_validate(asdict(one)) for one in answer.evidence),
        cost=Cost.model_validate(asdict(answer.cost)),
        seconds=seconds,
        release=release.id,
    )
