"""Finding out what people decided on cases that the agent only watched."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import NotFound, OutsideError
from integrations.hubspot_records import Owner
from rollout.case import Proposal
from rollout.comparison import Verdict
from rollout.contract import Contract
from rollout.errors import Invalid, TaxiwayError
from rollout.ledger import cases_called, recall
from rollout.people import read_directory
from rollout.shadow import HumanDecision, take_human_decision, without_decision
from tasks.systems import active_owners, crm_reader

SETTLED = timedelta(hours=1)  #: before it, people may still be at it
logger = logging.getLogger("taxiway.shadow")


@dataclass(frozen=True)
class Line:
    """One row of a sheet: which case, what people decided, when, and who."""

    number: int
    case: str
    answer: Mapping[str, str]
    at: datetime
    by: str


def import_decisions(
    contract: Contract, lines: list[Line], source: str
) -> tuple[dict[str, int], list[str]]:
    """Take people's decisions from a sheet, all or none; gives verdicts and what was left out."""
    verdicts: dict[str, int] = {}
    left: list[str] = []
    with transaction() as session:
        for line in lines:
            try:
                verdict = _take(session, contract, line, source)
            except TaxiwayError as error:
                raise Invalid(f"line {line.number}: {error}; nothing was taken") from None
            if verdict is None:
                left.append(f"line {line.number}: {line.case} says nothing (known, or not blind)")
                continue
            verdicts[verdict.value] = verdicts.get(verdict.value, 0) + 1
    return verdicts, left


def _take(session: Session, contract: Contract, line: Line, source: str) -> Verdict | None:
    cases = cases_called(session, line.case) or [line.case]
    said = HumanDecision(answer=dict(line.answer), by=line.by, at=line.at, source=source)
    return take_human_decision(session, contract, cases[-1], said, now())


async def look_for_owners(contract: Contract) -> int:
    """
    Look in the CRM whom people gave the leads that the agent only watched; gives how many.

    A lead without an owner yet stays for the next time, and so does one that only the CRM's own
    rules, an import or another system gave to somebody: that is no person's decision.
    """
    with transaction() as session:
        rows = [
            (row.id, recall(session, row.id, "proposal-1", Proposal))
            for row in without_decision(session, contract.workflow, now() - SETTLED)
        ]
    taken = 0
    if not rows:
        return taken
    try:
        owners = await active_owners()
        for case_id, proposal in rows:
            if proposal is not None:
                taken += await _look(contract, case_id, proposal, owners)
    except OutsideError as error:
        logger.warning("what people decided is looked at later: %s", error)
    return taken


async def _look(
    contract: Contract, case_id: str, proposal: Proposal, owners: Sequence[Owner]
) -> bool:
    number = proposal.action.target.rpartition("/")[2]
    try:
        past = await crm_reader(contract.workflow).read_assigned(number)
    except NotFound:
        return False
    mails = {owner.id: owner.email for owner in owners}
    decided = next((one for one in past if one.by_person), None)
    if decided is None or decided.owner_id not in mails:
        return False
    users = {owner.user_id: owner.email for owner in owners if owner.user_id is not None}
    mail = users.get(decided.user_id or 0, "")
    with transaction() as session:
        person = read_directory(session).by_mail(mail) if mail else None
        said = HumanDecision(
            answer={"owner": mails[decided.owner_id]},
            by=person.id if person else mail or "crm",
            at=decided.at,
            source="crm",
        )
        take_human_decision(session, contract, case_id, said, now())
    return True
