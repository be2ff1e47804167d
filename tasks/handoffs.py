"""Handing a case to a named person, with its context, a deadline and somebody for the silence."""

from integrations.clock import now
from integrations.database import transaction
from rollout.authority import Unit
from rollout.business_time import due
from rollout.case import Case, Ending, case_of, find_case
from rollout.contract import Contract, Handoff, Leg
from rollout.deadlines import Kind, Line, plan
from rollout.effects import Sent
from rollout.errors import ContractBroken
from rollout.gate import may_write
from rollout.handoffs import Offered, offer
from rollout.ledger import remember
from rollout.people import read_directory
from tasks.cases import close_case, end_case
from tasks.crm_tasks import CrmTask, give_task
from tasks.steps import step

BROKEN = "broken"  #: the exception for a run that cannot go on


async def hand_off(case: Case, handoff: Handoff, because: str = "") -> Ending:
    """
    Give a case to the receiver of one of its contract's exceptions, and end it here.

    In shadow nothing is offered and no task is made: the case remembers what would have happened.
    """
    reason = because or handoff.when
    offered = offer_case(case, handoff, reason)
    if offered.only_watched:
        return await close_case(case, Ending.WATCHED, f"{handoff.name}: {reason}")
    if case.unit is not None:
        await tell_receiver(case, offered, case.unit)
    return await close_case(case, Ending.HANDED_OFF, f"to {handoff.to}: {reason}")


def offer_case(case: Case, handoff: Handoff, because: str) -> Offered:
    """Put the handoff before its receiver, once, in our own books."""
    moment = now()
    with transaction() as session:
        directory = read_directory(session)
        offered = remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=f"handoff:{handoff.name}",
            fact=Offered(
                name=handoff.name,
                to=handoff.to,
                decide=handoff.decide,
                because=because,
                otherwise=handoff.otherwise,
                due_at=due(directory.calendar_of(handoff.to), moment, handoff.within).at,
                only_watched=not may_write(case.placement),
            ),
            actor="taxiway",
            at=moment,
        )
        if not offered.only_watched and offer(
            session, case.workflow, case.id, handoff, offered, moment
        ):
            plan(
                session,
                directory,
                Line((Leg(handoff.to, handoff.within), *handoff.then), handoff.otherwise),
                kind=Kind.HANDOFF,
                ref=f"{case.id}/{handoff.name}",
                case_id=case.id,
                workflow=case.workflow,
                start=moment,
            )
    return offered


@step()
async def tell_receiver(case: Case, offered: Offered, about: Unit) -> Sent:
    """Make the receiver's task in the CRM, once."""
    body = (
        f"{offered.because}\nTo: {offered.to}\nDue: {offered.due_at:%Y-%m-%d %H:%M} UTC\n"
        f"If nothing happens: {offered.otherwise}"
    )
    return await give_task(
        case,
        CrmTask(
            name=offered.name,
            decide=offered.decide,
            body=body,
            due_at=offered.due_at,
            to=offered.to,
            about=about,
        ),
    )


def hand_off_broken(contract: Contract, case_id: str, because: str) -> None:
    """
    Give a case whose run cannot go on to the technical owner, in our own books only: whatever
    broke the run may be what would carry the message.
    """
    handoff = contract.exception(BROKEN)
    if handoff is None:
        raise ContractBroken(f"{contract.workflow} names no exception '{BROKEN}'")
    with transaction() as session:
        case = case_of(session, contract, find_case(session, case_id))
    offered = offer_case(case, handoff, because)
    ending = Ending.WATCHED if offered.only_watched else Ending.HANDED_OFF
    end_case(case, ending, f"to {handoff.to}: {because}")
