"""Finding out what became of cases: from a sheet, from word of another system, from the CRM."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import NotFound, OutsideError
from rollout.case import CaseRow, Proposal
from rollout.contract import Contract
from rollout.effects import EffectRow, State
from rollout.errors import Invalid, TaxiwayError
from rollout.ledger import cases_called, recall
from rollout.outcomes import OutcomeRow, Word, take_outcome
from rollout.shadow import STEP, HumanDecision
from tasks.systems import active_owners, crm_reader

REASSIGNED = "reassigned"
OWNER = "owner"
MOST = 500  #: cases that one look asks the CRM about
logger = logging.getLogger("taxiway.outcomes")


@dataclass(frozen=True)
class Line:
    """One row of a sheet: which case, what became of it, and when."""

    number: int
    case: str
    word: Word


def import_outcomes(contract: Contract, lines: Sequence[Line]) -> tuple[int, int]:
    """Take what became of cases, all or none; gives how many are new, and how many were known."""
    new = 0
    with transaction() as session:
        for line in lines:
            try:
                new += tell(session, contract, line.case, line.word)
            except TaxiwayError as error:
                raise Invalid(f"line {line.number}: {error}; nothing was taken") from None
    return new, len(lines) - new


def tell(session: Session, contract: Contract, case: str, word: Word) -> bool:
    """Take one word about a case, by its id or another name of it."""
    found = cases_called(session, case) or [case]
    return take_outcome(session, contract, found[-1], word, now())


async def look_for_reassigned(contract: Contract) -> int:
    """
    Look in the CRM which leads have another owner by now than they were given; gives how many.

    The agent's and people's alike, while the time of that outcome runs: so the control is seen
    with the same eyes.
    """
    rule = next((one for one in contract.outcomes if one.kind == REASSIGNED), None)
    if rule is None:
        return 0
    given = _given(contract, rule.within)
    if not given:
        return 0
    found = 0
    try:
        ids = {owner.email: owner.id for owner in await active_owners()}
        for case_id, (record, owner) in given.items():
            found += await _look(contract, case_id, record, ids.get(owner, owner))
    except OutsideError as error:
        logger.warning("what became of the leads is looked at later: %s", error)
    return found


def _given(contract: Contract, within: timedelta) -> Mapping[str, tuple[str, str]]:
    """Give by case the record, and the owner that it was given, by an agent's write or a person."""
    with transaction() as session:
        told = select(OutcomeRow.case_id).where(OutcomeRow.kind == REASSIGNED)
        rows = session.exec(
            select(CaseRow)
            .where(
                CaseRow.workflow == contract.workflow,
                col(CaseRow.closed_at) > now() - within,
                col(CaseRow.id).not_in(told),
            )
            .order_by(col(CaseRow.closed_at))
            .limit(MOST)
        ).all()
        known = {row.id: _owner_of(session, row.id) for row in rows}
    return {case_id: one for case_id, one in known.items() if one is not None}


def _owner_of(session: Session, case_id: str) -> tuple[str, str] | None:
    written = session.exec(
        select(EffectRow).where(
            EffectRow.case_id == case_id, EffectRow.step == OWNER, EffectRow.state == State.DONE
        )
    ).one_or_none()
    if written is not None:
        given = written.changes.get(OWNER)  # none where the case has been erased
        return (written.target, str(given)) if given else None
    said = recall(session, case_id, STEP, HumanDecision)
    proposal = recall(session, case_id, "proposal-1", Proposal)
    if said is None or proposal is None or OWNER not in said.answer:
        return None
    return proposal.action.target, said.answer[OWNER]


async def _look(contract: Contract, case_id: str, record: str, given: str) -> bool:
    try:
        owner = await crm_reader(contract.workflow).read_owner_of(record.rpartition("/")[2])
    except NotFound:
        return False
    if owner is None or owner == given:
        return False
    with transaction() as session:
        return tell(session, contract, case_id, Word(REASSIGNED, now(), "crm"))


def moment_of(words: str) -> datetime:
    """Read a moment with its time zone; raises `Invalid`."""
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        raise Invalid(f"{words!r} is no time like 2026-11-06T16:55+01:00") from None
    if moment.tzinfo is None:
        raise Invalid(f"{words!r} has no time zone, like 2026-11-06T16:55+01:00")
    return moment
