"""Handing a case to a named person, with its context, a deadline and somebody for the silence."""

from collections.abc import Mapping
from typing import Any

from integrations.callout import Callout
from integrations.clock import now
from integrations.database import transaction
from integrations.settings import SettingsError, settings
from rollout.authority import Unit
from rollout.business_time import due
from rollout.canonical import canonical
from rollout.case import Action, Case, Ending, case_of, find_case
from rollout.contract import BROKEN, Contract, Handoff, Leg
from rollout.deadlines import Kind, Line, plan
from rollout.effects import Basis, Intent, Request, Sent
from rollout.errors import ContractBroken
from rollout.gate import may_write
from rollout.handoffs import Offered, offer
from rollout.handovers import pass_on
from rollout.ledger import remember
from rollout.people import read_directory
from tasks.cases import close_case, end_case
from tasks.crm_tasks import CrmTask, give_task
from tasks.effects import Write, send
from tasks.steps import step


async def hand_off(
    case: Case, handoff: Handoff, because: str = "", data: Mapping[str, Any] | None = None
) -> Ending:
    """
    Give a case to the receiver of one of its contract's exceptions, and end it here.

    The receiver is a person, who gets a task; another workflow, which gets an event with `data`;
    or a system, which is called with it.

    In shadow nothing is offered and no task is made: the case remembers what would have happened.
    """
    reason = because or handoff.when
    offered = offer_case(case, handoff, reason, data)
    if offered.only_watched:
        return await close_case(case, Ending.WATCHED, f"{handoff.name}: {reason}")
    if handoff.calls:
        await call_system(case, handoff, offered, data or {})
    elif case.unit is not None and not handoff.starts:
        await tell_receiver(case, offered, case.unit)
    return await close_case(case, Ending.HANDED_OFF, f"to {handoff.to}: {reason}")


def offer_case(
    case: Case, handoff: Handoff, because: str, data: Mapping[str, Any] | None = None
) -> Offered:
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
            if handoff.starts:
                pass_on(
                    session,
                    ref=f"{case.id}/{handoff.name}",
                    workflow=handoff.to,
                    event=handoff.starts,
                    data=data or {},
                    now=moment,
                )
    return offered


@step()
async def call_system(
    case: Case, handoff: Handoff, offered: Offered, data: Mapping[str, Any]
) -> Sent:
    """Call the system that takes a case over, once, under the write's key."""
    known = settings().systems.get(handoff.calls)
    if known is None:
        raise SettingsError(f"TAXIWAY_SYSTEMS does not name {handoff.calls}, which takes {case.id}")
    words = {
        "case": case.id,
        "handoff": handoff.name,
        "decide": offered.decide,
        "because": offered.because,
        "due_at": offered.due_at.isoformat(),
        "otherwise": offered.otherwise,
        "data": dict(data),
    }
    system = Callout.at(
        handoff.calls, known.url, known.secret.get_secret_value(), settings().http_timeout_seconds
    )
    name = f"system.{handoff.calls}"

    async def nothing_to_compare() -> Mapping[str, str | None]:
        return {}

    try:
        return await send(
            case,
            Write(
                intent=Intent(
                    step=f"call:{handoff.name}",
                    action=Action(name=name, target=f"system/{handoff.calls}", arguments={}),
                    request=Request(method="POST", path="", body=canonical(words)),
                    basis=Basis.HANDOFF,
                ),
                push=lambda request: system.send(request.key, request.body),
                look=nothing_to_compare,
            ),
        )
    finally:
        await system.close()


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
