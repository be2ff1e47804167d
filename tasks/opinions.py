"""What a further person is shown of a case: two answers without names, or only what is asked."""

from collections.abc import Mapping

from sqlmodel import Session

from rollout.case import Proposal, find_case
from rollout.errors import Unknown
from rollout.ledger import recall
from rollout.opinions import Kind, OpinionRow, Side, agents_side
from rollout.shadow import STEP, HumanDecision


def shown(session: Session, row: OpinionRow) -> dict[str, str]:
    """Give what is read about a question, by its name."""
    proposal = recall(session, row.case_id, "proposal-1", Proposal)
    said = recall(session, row.case_id, STEP, HumanDecision)
    if proposal is None or said is None:
        raise Unknown(f"what {row.id} was about has been erased")
    facts = {f"fact: {one.field}": f"{one.value} ({one.source})" for one in proposal.evidence}
    case = {"case": f"{row.case_id} {find_case(session, row.case_id).label}"}
    if row.kind == Kind.SECOND:
        return {**case, **facts, "you say": ", ".join(sorted(said.answer))}
    own = {name: proposal.action.arguments.get(name, "") for name in said.answer}
    agents = agents_side(row.workflow, row.case_id)
    sides = {agents: own, _other(agents): dict(said.answer)}
    answers = {side.value: _told(sides[side]) for side in (Side.FIRST, Side.SECOND)}
    return {**case, **facts, **answers}


def _other(side: Side) -> Side:
    return Side.SECOND if side is Side.FIRST else Side.FIRST


def _told(answer: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in sorted(answer.items()))
