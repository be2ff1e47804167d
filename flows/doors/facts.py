"""
Word of another system about cases that are known: what a person decided, what became of it.

They start no run: each is taken at once, and taking it twice changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import Session

from flows.catalog import workflow
from integrations.clock import now
from rollout.case import CaseRow
from rollout.errors import Unknown
from rollout.ledger import cases_called
from rollout.outcomes import Word
from rollout.shadow import HumanDecision, take_human_decision
from tasks.outcomes import tell


class Told(BaseModel):
    """What every such word has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workflow: str = Field(max_length=100)
    case: str = Field(min_length=1, max_length=200)  #: its id, or the record's name
    at: AwareDatetime


class DecisionRecorded(Told):
    """What a person decided on a case."""

    answer: Mapping[str, str] = Field(min_length=1, max_length=20)
    by: str = Field(min_length=1, max_length=100)


class OutcomeRecorded(Told):
    """What became of a case, or that a word was a mistake."""

    kind: str = Field(max_length=100)
    withdrawn: bool = False


FACTS: Mapping[str, type[Told]] = {
    "decision.recorded": DecisionRecorded,
    "outcome.recorded": OutcomeRecorded,
}


def take_fact(session: Session, told: Told, source: str) -> str:
    """Take a word; gives what it came to. Raises `Unknown` or `Invalid`."""
    contract = workflow(told.workflow).contract
    case_id = (cases_called(session, told.case) or [told.case])[-1]
    if session.get(CaseRow, case_id) is None:
        raise Unknown("there is no such case")  # its name may be an address
    if isinstance(told, OutcomeRecorded):
        word = Word(told.kind, _moment(told), source, told.withdrawn)
        return "accepted" if tell(session, contract, case_id, word) else "duplicate"
    if isinstance(told, DecisionRecorded):
        said = HumanDecision(
            answer=dict(told.answer), by=told.by, at=_moment(told), source="webhook"
        )
        take_human_decision(session, contract, case_id, said, now())
    return "accepted"


def _moment(told: Told) -> datetime:
    return told.at
