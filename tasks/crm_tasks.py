"""A person's task in the CRM, made once: how somebody learns where they work that it is theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from integrations.clock import now
from integrations.database import transaction
from integrations.hubspot import HubSpot
from integrations.hubspot_writes import task_creation
from rollout.authority import Unit
from rollout.case import Action, Case
from rollout.effects import Basis, Intent, Request, Sent
from rollout.handoffs import is_task_of, subject_of
from rollout.people import read_directory
from rollout.restoration import restored_after
from tasks.effects import Write, send
from tasks.systems import active_owners, crm_writer

TASK = "crm.task"  #: the action that tells a receiver


@dataclass(frozen=True)
class CrmTask:
    """What somebody is asked to do, about which record, by when."""

    name: str  #: the exception
    decide: str
    body: str
    due_at: datetime
    to: str
    about: Unit
    nth: int | None = None  #: the deadline that passed it on; None for the first one

    @property
    def step(self) -> str:
        """Its step within the case."""
        return step_of(self.name) if self.nth is None else f"{step_of(self.name)}:{self.nth}"


def step_of(name: str) -> str:
    """Name the step of an exception's first task; those of later ones begin with it and a colon."""
    return f"task:{name}"


async def give_task(case: Case, task: CrmTask) -> Sent:
    """Make a task in the CRM, once."""
    crm = crm_writer(case)
    subject = subject_of(case.id, task.name, task.decide)
    method, path, content = task_creation(
        subject=subject,
        body=task.body,
        due=task.due_at,
        kind=task.about.kind,
        record=task.about.id,
        owner=await _user_behind(task.to),
    )

    async def nothing_to_compare() -> Mapping[str, str | None]:
        return {}

    async def by_subject() -> str | None:
        found = await crm.find_tasks(subject)
        return found[0] if found else await _of_a_lost_case(case, crm, task)

    return await send(
        case,
        Write(
            intent=Intent(
                step=task.step,
                action=Action(
                    name=TASK,
                    target=f"{task.about.kind}/{task.about.id}",
                    arguments={"subject": subject, "to": task.to},
                ),
                request=Request(method=method, path=path, body=content),
                basis=Basis.HANDOFF,
            ),
            push=lambda request: crm.send(request.method, request.path, request.body),
            look=nothing_to_compare,
            find=by_subject,
        ),
    )


async def _user_behind(name: str) -> str:
    """Give the CRM's user behind a name, where it is one person's who has one; else nobody."""
    with transaction() as session:
        people = read_directory(session).who(name, now().date())
    if len(people) != 1 or not people[0].mail:
        return ""
    same = [one.id for one in await active_owners() if one.email == people[0].mail]
    return same[0] if same else ""


async def _of_a_lost_case(case: Case, crm: HubSpot, task: CrmTask) -> str | None:
    """Find the task that this event's case made before our books went back to a backup."""
    with transaction() as session:
        lost = restored_after(session, case.inbox_id)
    if lost is None or task.nth is not None:
        return None
    tasks = await crm.find_tasks_of(task.about.kind, task.about.id, lost.taken_at)
    return next((one for one, says in tasks.items() if is_task_of(says, task.name)), None)
