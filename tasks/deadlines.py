"""
The clock over everything that waits for people: what has come takes effect, and people are told.

It takes effect first and is told second, so that an outage of a CRM or a mail server delays only
the telling. Before a handoff is taken from its receiver, the CRM is asked whether the task is
done: people work there, and not here.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

from sqlmodel import Session, col, select

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import OutsideError, Refused
from rollout.authority import Unit
from rollout.case import Case, case_of, find_case
from rollout.contract import Contract
from rollout.deadlines import (
    Deadline,
    Kind,
    What,
    about_to_pass,
    mark_told,
    pass_due,
    untold,
)
from rollout.effects import EffectRow, State
from rollout.errors import Conflict, TaxiwayError
from rollout.handoffs import CRM, HandoffRow, find_handoff, finish
from rollout.handovers import follow_up
from tasks.crm_tasks import CrmTask, give_task, step_of
from tasks.review_links import link_to
from tasks.systems import crm_reader
from tasks.told import Notice, Told, no_link, tell

logger = logging.getLogger("taxiway.deadlines")


async def pass_deadlines(contracts: Sequence[Contract]) -> int:
    """Let what has come take effect, and tell people; gives how many deadlines passed."""
    await _see_who_has_acted()
    with transaction() as session:
        follow_up(session, [contract.workflow for contract in contracts], now())
    with transaction() as session:
        passed = pass_due(session, now())
        waiting = untold(session)
    by_name = {contract.workflow: contract for contract in contracts}
    for deadline in waiting:
        told = await _tell(deadline, by_name.get(deadline.workflow))
        with transaction() as session:
            mark_told(session, deadline, told.ways, over=not told.later)
    return passed


async def _see_who_has_acted() -> None:
    """Note as done what its receivers have completed in the CRM."""
    with transaction() as session:
        found = [(row, _task_of(session, row)) for row in about_to_pass(session, now())]
    for row, task in found:
        if task is None or not task.remote_id:
            continue
        try:
            over = await crm_reader(row.workflow).is_task_over(task.remote_id)
        except OutsideError as error:
            logger.warning("whether %s is done cannot be seen: %s", row.case_id, error)
            continue
        if over:
            with suppress(Conflict), transaction() as session:  # somebody said so a moment ago
                finish(session, f"{row.case_id}/{row.name}", by=CRM, now=now())


async def _tell(deadline: Deadline, contract: Contract | None) -> Told:
    """Tell people by messages, and whoever has it now by a task where they work."""
    by_task = deadline.kind == Kind.HANDOFF and deadline.what in {What.HAND_ON, What.RUN_OUT}
    try:
        review = deadline.kind == Kind.REVIEW and deadline.what != What.RUN_OUT
        link = link_to(deadline.ref) if review else no_link
        told = await tell(_notice(deadline), deadline.told, link)
        if by_task and contract is not None:
            await _give_on(deadline, contract)
    except OutsideError as error:
        logger.warning("%s: its task is made later: %s", deadline.ref, error)
        return Told(told.ways, later=not isinstance(error, Refused) or told.later)
    except TaxiwayError as gone:  # erased meanwhile, or not ours to write any more
        logger.warning("%s: nobody is told: %s", deadline.ref, gone)
        return Told(frozenset(), later=False)
    return told


async def _give_on(deadline: Deadline, contract: Contract) -> None:
    """Make the next one's task in the CRM, where the first one was."""
    with transaction() as session:
        handoff = find_handoff(session, deadline.ref)
        case: Case = case_of(session, contract, find_case(session, deadline.case_id))
        first = _task_of(session, handoff)
    if first is None:
        return
    kind, _, number = first.target.partition("/")
    by = f"{deadline.at:%Y-%m-%d %H:%M} UTC"
    await give_task(
        case,
        CrmTask(
            name=handoff.name,
            decide=f"{handoff.decide} (now {deadline.to}'s)",
            body=f"{handoff.because}\nTo: {deadline.to}\nNobody before acted by {by}.",
            due_at=deadline.until or deadline.at,
            to=deadline.to,
            about=Unit(kind=kind, id=number),
            nth=deadline.id,
        ),
    )


def _task_of(session: Session, handoff: HandoffRow) -> EffectRow | None:
    """Find the latest task that was made for a handoff."""
    step = step_of(handoff.name)
    return session.exec(
        select(EffectRow)
        .where(
            EffectRow.case_id == handoff.case_id,
            EffectRow.state == State.DONE,
            (col(EffectRow.step) == step) | col(EffectRow.step).startswith(f"{step}:"),
        )
        .order_by(col(EffectRow.made_at).desc())
        .limit(1)
    ).one_or_none()


def _notice(deadline: Deadline) -> Notice:
    what, until = SAYS[Kind(deadline.kind), What(deadline.what)], deadline.until or deadline.at
    return Notice(
        to=deadline.to,
        subject=f"{deadline.ref}: {what}",
        text=(
            f"{deadline.ref} of {deadline.workflow}: {what}. Due {until:%Y-%m-%d %H:%M} UTC.\n"
            f"taxiway timeline {deadline.case_id}"
        ),
        key=f"deadline-{deadline.id}",
    )


SAYS = {
    (Kind.REVIEW, What.ASK): "waits for your decision",
    (Kind.HANDOFF, What.ASK): "is yours",
    (Kind.REVIEW, What.REMIND): "still waits for your decision",
    (Kind.REVIEW, What.HAND_ON): "yours to decide now; nobody has in time",
    (Kind.REVIEW, What.RUN_OUT): "expired; its case is yours",
    (Kind.HANDOFF, What.REMIND): "still waits for you",
    (Kind.HANDOFF, What.HAND_ON): "yours now; nobody acted in time",
    (Kind.HANDOFF, What.RUN_OUT): "yours now, as its fallback",
}
