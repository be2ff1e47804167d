"""Handing a case to a named person, with its context, a deadline and somebody for the silence."""

from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot import task_creation
from rollout.authority import Unit
from rollout.case import Action, Case, Ending, case_of, find_case
from rollout.contract import Contract, Handoff
from rollout.effects import Basis, Intent, Request, Sent
from rollout.errors import ContractBroken
from rollout.gate import may_write
from rollout.handoffs import Offered, is_task_of, offer, subject_of
from rollout.ledger import remember
from rollout.restoration import restored_after
from tasks.cases import close_case, end_case
from tasks.effects import Write, send
from tasks.steps import step
from tasks.systems import crm_writer

TASK = "crm.task"  #: the action that tells a receiver
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
                due_at=moment + handoff.within,
                only_watched=not may_write(case.placement),
            ),
            actor="taxiway",
            at=moment,
        )
        if not offered.only_watched:
            offer(session, case.workflow, case.id, handoff, offered, moment)
    return offered


@step()
async def tell_receiver(case: Case, offered: Offered, about: Unit) -> Sent:
    """Make the receiver's task in the CRM, once."""
    crm = crm_writer(case)
    subject = subject_of(case.id, offered.name, offered.decide)
    body = (
        f"{offered.because}\nTo: {offered.to}\nDue: {offered.due_at:%Y-%m-%d %H:%M} UTC\n"
        f"If nothing happens: {offered.otherwise}"
    )
    method, path, content = task_creation(
        subject=subject, body=body, due=offered.due_at, contact_id=about.id
    )
    action = Action(
        name=TASK,
        target=f"{about.kind}/{about.id}",
        arguments={"subject": subject, "to": offered.to},
    )

    async def nothing_to_compare() -> dict[str, str | None]:
        return {}

    async def by_subject() -> str | None:
        found = await crm.find_tasks(subject)
        return found[0] if found else await of_a_lost_case()

    async def of_a_lost_case() -> str | None:
        """Find the task that this event's case made before our books went back to a backup."""
        with transaction() as session:
            lost = restored_after(session, case.inbox_id)
        tasks = await crm.find_tasks_of(about.id, lost.taken_at) if lost else {}
        return next((one for one, says in tasks.items() if is_task_of(says, offered.name)), None)

    return await send(
        case,
        Write(
            intent=Intent(
                step=f"task:{offered.name}",
                action=action,
                request=Request(method=method, path=path, body=content),
                basis=Basis.HANDOFF,
            ),
            push=lambda request: crm.send(request.method, request.path, request.body),
            look=nothing_to_compare,
            find=by_subject,
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
