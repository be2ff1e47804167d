"""
Which workflows and operations there are: one entry each, and what starts them.

This list is read by every command, so it imports no flow: a flow is named by its entry point
and imported where it runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from flows.contracts import lead_routing, renewal_risk
from rollout.contract import Contract
from rollout.errors import Unknown
from rollout.lead_events import CONTACT_MADE, SUBMITTED, ContactMade
from rollout.lead_routing import LeadCreated
from rollout.renewal_events import CHANGED, HealthChanged


def full_name(name: str, of: str = "") -> str:
    """Give a deployment's name in Prefect: its flow's, where that is another, and its own."""
    return f"{of or name}/{name}"


def behind(entry: str) -> Any:
    """Import what stands behind "module:function"."""
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class Workflow:
    """A workflow: its agreement, its flow, and what starts it."""

    contract: Contract
    flow: str  #: "module:function"
    events: Mapping[str, type[BaseModel]]  #: by a webhook's type, the shape of its data
    on_past: str = ""  #: "module:function": its agent on one row of history
    gathers: tuple[str, ...] = ()  #: "module:function" each: looks up what people did elsewhere

    @property
    def name(self) -> str:
        """The one name it has everywhere."""
        return self.contract.workflow

    @property
    def full_name(self) -> str:
        """Its deployment's name in Prefect."""
        return full_name(self.name)


WORKFLOWS = (
    Workflow(
        contract=lead_routing.CONTRACT,
        flow="flows.lead_routing:lead_routing",
        events={SUBMITTED: LeadCreated, CONTACT_MADE: ContactMade},
        on_past="tasks.on_past:route_lead",
        gathers=("tasks.human_decisions:look_for_owners", "tasks.outcomes:look_for_reassigned"),
    ),
    Workflow(
        contract=renewal_risk.CONTRACT,
        flow="flows.renewal_risk:renewal_risk",
        events={CHANGED: HealthChanged},
        on_past="tasks.on_past:judge_renewal",
    ),
)


@dataclass(frozen=True)
class Operation:
    """A flow that looks over many cases; scheduled and started in the Prefect UI."""

    name: str
    flow: str  #: "module:function"
    about: str  #: what its page in the UI says
    every: timedelta | None = None  #: its first schedule; whoever changes it in the UI wins
    of: str = ""  #: its flow's name, where that is another
    takes: Mapping[str, str] = field(default_factory=dict)  #: what its flow is given

    @property
    def full_name(self) -> str:
        """Its deployment's name in Prefect."""
        return full_name(self.name, self.of)


def _climb(workflow: str) -> Operation:
    return Operation(
        name=f"climb-{workflow}",
        of="climb",
        flow="flows.operations.climb:climb",
        takes={"workflow": workflow},
        about=f"Every hour, for {workflow}: gathers what people decided on cases that its agent "
        "only watched, lowers it where a monitor speaks, says what stands between it and its next "
        "level, and tells its owners when nothing does.",
        every=timedelta(hours=1),
    )


OPERATIONS = (
    Operation(
        name="watch",
        flow="flows.operations.watch:watch",
        about="Every minute: settles writes whose case has ended, withdraws questions that nobody "
        "waits for, takes stops from their files, seals the ledger, calls the heartbeat address.",
        every=timedelta(seconds=60),
    ),
    Operation(
        name="retention",
        flow="flows.operations.retention:retention",
        about="Every day: erases what is about people in cases that ended longer ago than their "
        "contract keeps it.",
        every=timedelta(days=1),
    ),
    Operation(
        name="lead-sweep",
        flow="flows.operations.lead_sweep:lead_sweep",
        about="Finds leads that nobody owns and no event told of, and opens their cases. "
        "Schedule it to catch up after a downtime, or start it by hand.",
    ),
    *(_climb(one.name) for one in WORKFLOWS),
    Operation(
        name="promote",
        flow="flows.operations.promote:promote",
        about="Asks for a workflow's next level of authority, on its evidence, and waits for the "
        "signatures of its business owner and of governance.",
    ),
    Operation(
        name="renewal-sweep",
        flow="flows.operations.renewal_sweep:renewal_sweep",
        about="Every night: looks over the customers that renew within 120 days, and opens cases "
        "for those at risk.",
        every=timedelta(days=1),
    ),
)


def workflow(name: str) -> Workflow:
    """Find a workflow by its name, or raise `Unknown` with what was perhaps meant."""
    known = {one.name: one for one in WORKFLOWS}
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}."
    raise Unknown(f"there is no workflow {name}; {hint}")


def started_by(event: str) -> Workflow | None:
    """Give the workflow that an event starts, or None."""
    return next((one for one in WORKFLOWS if event in one.events), None)


def known_events() -> list[str]:
    """Give every type of webhook that starts something."""
    return sorted(event for one in WORKFLOWS for event in one.events)
