"""What every step that asks an agent does: note that it was asked, and take what it answered."""

from collections.abc import Sequence
from dataclasses import asdict

from integrations.agents import Agent, Answer, Release
from integrations.clock import now
from integrations.database import transaction
from rollout.case import Action, Case, Cost, Evidence, Proposal
from rollout.ledger import note_next
from rollout.releases import champion, heed, see


def note_asked(case: Case, release: Release) -> None:
    """
    Note that a case's agent is asked; each call counts, also one whose answer gets lost.

    A release that has not earned the present level takes the workflow to shadow, before it answers.
    """
    with transaction() as session:
        seen = see(session, case.workflow, release.id, asdict(release), now())
        heed(session, case.contract, seen, now())
        note_next(
            session,
            workflow=case.workflow,
            case_id=case.id,
            kind="asked",
            actor="taxiway",
            at=now(),
            fields={"release": release.id},
        )


def acting(workflow: str, agents: Sequence[Agent]) -> Agent:
    """Give the agent whose level it is; the first one where that one is not here, or nobody's."""
    with transaction() as session:
        holds = champion(session, workflow)
    return next((one for one in agents if one.release.id == holds), agents[0])


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
