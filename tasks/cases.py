"""Opening a case, placing it under the stage of the hour, ruling on it, and closing it."""

from dataclasses import replace

from prefect import get_client
from prefect.runtime import flow_run
from sqlalchemy import text
from sqlmodel import Session, col, select

from integrations.clock import now
from integrations.database import transaction
from rollout.agreements import agree_at_first, not_agreed
from rollout.authority import Authority, Facets, Grant, Unit, is_blind, is_planted, lower_of, place
from rollout.case import (
    Case,
    CaseRow,
    Ended,
    Ending,
    Introduce,
    Introduction,
    Proposal,
    case_of,
    close_row,
    find_case,
    keep_placement,
    open_row,
)
from rollout.contract import Contract
from rollout.errors import Unknown
from rollout.grants import current
from rollout.inbox import Arrival, envelope
from rollout.ledger import Alias, call_it, note, remember
from rollout.people import read_directory
from rollout.rights import Ruling, rule_on
from rollout.roles import orphaned
from tasks.halts import heed_flags

TAXIWAY = "taxiway"
PROPOSAL = "proposal-1"  #: the ledger step of the agent's own proposal; edits are counted on


async def open_case(contract: Contract, inbox_id: str, introduce: Introduce) -> Case:
    """Open the case of an event, or find the one that it belongs to."""
    moment = now()
    with transaction() as session:
        arrival = session.get(Arrival, inbox_id)
        if arrival is None:
            raise Unknown(f"there is no event {inbox_id} in the inbox")
        who = introduce(envelope(arrival))
        row = _known_case(session, contract.workflow, who, arrival) or open_row(
            session,
            prefix=contract.case_prefix,
            workflow=contract.workflow,
            version=contract.version,
            dedupe=who.dedupe,
            inbox_id=inbox_id,
            now=moment,
        )
        joined = row.inbox_id != inbox_id
        first = arrival.case_id is None
        arrival.case_id = row.id
        if not joined:
            row.flow_run_id = flow_run.id
        session.add_all([arrival, row])
        call_it(session, row.id, _names(who, row.id, inbox_id))
        if first:
            note(
                session,
                workflow=contract.workflow,
                case_id=row.id,
                kind="joined" if joined else "opened",
                actor=arrival.source,
                at=moment,
                fields={"event": inbox_id, "contract": row.contract_version},
            )
        return replace(case_of(session, contract, row), joined=joined)


async def place_case(case: Case, unit: Unit | None, facets: Facets, label: str) -> Case:
    """Place a case under the grant of this moment, for life, and name its run."""
    with transaction() as session:
        heed_flags(session)
        grant = _grant(session, case)
        placed = place(
            grant,
            unit,
            facets,
            blind=is_blind(grant, case.id),
            planted=is_planted(grant, case.id),
        )
        placement = keep_placement(session, case.workflow, case.id, placed, now())
        row = find_case(session, case.id)
        unnamed = row.label != label
        row.label = label
        session.add(row)
    if unnamed and flow_run.id:
        async with get_client() as client:
            await client.update_flow_run(flow_run.id, name=f"{case.id} {label}")
    return replace(case, placement=placement, unit=unit)


def _grant(session: Session, case: Case) -> Grant:
    """Give what the agent may do now: nothing new without its owners, or without their word."""
    grant = current(session, case.workflow)
    if grant.halted or grant.authority is Authority.OFF:
        return grant
    agree_at_first(session, case.contract, now())
    orphan = orphaned(read_directory(session), case.contract, now().date())
    why = f"orphaned: {orphan}" if orphan else not_agreed(session, case.contract)
    if why is None:
        return grant
    return grant.model_copy(update={"authority": Authority.OFF, "halted": why})


def rule_case(case: Case, proposal: Proposal) -> Ruling:
    """Rule on a case's proposal at the lower of its own level and the level of the hour."""
    with transaction() as session:
        heed_flags(session)
        grant = current(session, case.workflow)
        level = lower_of(case.authority, grant.level_of(case.placement, proposal.action.name))
        return remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=f"ruling-{proposal.revision}",
            fact=rule_on(case.contract, proposal, level),
            actor=TAXIWAY,
            at=now(),
        )


async def close_case(case: Case, ending: Ending, because: str) -> Ending:
    """End a case; the first ending stands."""
    return end_case(case, ending, because)


def end_case(case: Case, ending: Ending, because: str) -> Ending:
    """End a case outside a run; the first ending stands."""
    moment = now()
    with transaction() as session:
        stands = remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step="ending",
            fact=Ended(
                ending=ending,
                because=because,
                seconds=(moment - case.opened_at).total_seconds(),
            ),
            actor=TAXIWAY,
            at=moment,
        )
        close_row(session, case.id, stands.ending, stands.because, moment)
    return stands.ending


def _known_case(
    session: Session, workflow: str, who: Introduction, arrival: Arrival
) -> CaseRow | None:
    """Find the case that an event has already, or shares with an earlier one."""
    if arrival.case_id:
        return find_case(session, arrival.case_id)
    for same in sorted(who.same):
        session.execute(text("select pg_advisory_xact_lock(hashtext(:same))"), {"same": same})
    return session.exec(
        select(CaseRow)
        .join(Alias, col(Alias.case_id) == col(CaseRow.id))
        .where(
            CaseRow.workflow == workflow,
            Alias.kind == "same",
            col(Alias.value).in_(who.same),
            CaseRow.opened_at >= arrival.received_at - who.same_within,
        )
        .order_by(col(CaseRow.opened_at))
        .limit(1)
    ).one_or_none()


def _names(who: Introduction, case_id: str, inbox_id: str) -> list[tuple[str, str]]:
    same = [("same", one) for one in who.same]
    return [("case", case_id), ("event", inbox_id), *same, *who.names.items()]
