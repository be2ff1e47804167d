"""
Which workflows there are: one line each, and the event that starts them.

This list is read by every command, so it imports no flow: a flow is named by its entry point
and imported where it runs.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from pydantic import BaseModel

from flows.contracts import lead_routing
from rollout.contract import Contract
from rollout.errors import Unknown
from rollout.lead_routing import LeadCreated


@dataclass(frozen=True)
class Workflow:
    """A workflow: its agreement, its flow, and what starts it."""

    contract: Contract
    flow: str  #: "module:function"
    event: str  #: the webhook's type
    body: type[BaseModel]  #: the shape of the webhook's data

    @property
    def name(self) -> str:
        """The one name it has everywhere."""
        return self.contract.workflow


WORKFLOWS = (
    Workflow(
        contract=lead_routing.CONTRACT,
        flow="flows.lead_routing:lead_routing",
        event="lead.created",
        body=LeadCreated,
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
    return next((one for one in WORKFLOWS if one.event == event), None)
