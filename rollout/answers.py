"""
What a person can answer to a review, before anybody asks whether it stands.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from pydantic import BaseModel, ConfigDict


class Verb(StrEnum):
    """What a person can answer."""

    APPROVE = "approve"  #: Do exactly this.
    EDIT = "edit"  #: Do it with these changes.
    REJECT = "reject"  #: Do not do it.
    REQUEST_INFO = "request_info"  #: Somebody else is asked first; the question stays open.
    ESCALATE = "escalate"  #: Whoever is next in the line has it, at once.


DECIDING = frozenset({Verb.APPROVE, Verb.EDIT, Verb.REJECT})  #: the others leave it open


class Reason(StrEnum):
    """Why a person changed or refused a proposal."""

    WRONG_FACT = "agent_wrong_fact"
    WRONG_DECISION = "agent_wrong_decision"
    TONE = "tone"
    MISSING_EVIDENCE = "missing_evidence"
    STALE_DATA = "stale_data"
    CONFLICTING_DATA = "conflicting_data"
    POLICY_GAP = "policy_gap"
    PROCESS_BROKEN = "process_broken"
    CUSTOMER_CONTEXT = "customer_context"
    DUPLICATE = "duplicate"
    OTHER = "other"

    @property
    def fault(self) -> str:
        """Whose error it points to: the agent's, the data's, the process's or the policy's."""
        return FAULTS.get(self, "other")


FAULTS = {
    Reason.WRONG_FACT: "agent",
    Reason.WRONG_DECISION: "agent",
    Reason.TONE: "agent",
    Reason.MISSING_EVIDENCE: "data",
    Reason.STALE_DATA: "data",
    Reason.CONFLICTING_DATA: "data",
    Reason.POLICY_GAP: "policy",
    Reason.PROCESS_BROKEN: "process",
    Reason.DUPLICATE: "process",
}


class Proof(IntEnum):
    """How a person's identity was shown; a higher one includes the lower ones."""

    DECLARED = 1  #: They said so: `--as`, or a name typed in the Prefect UI.
    LINK = 2  #: They hold the link that was sent to them.
    HOST = 3  #: The operating system's user on this host.


class Answer(BaseModel):
    """What a person wants done, and how we know that it is them."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    verb: Verb
    by: str
    proof: Proof
    channel: str  #: cli, prefect-ui, link
    edit: Mapping[str, str] = {}
    reason: Reason | None = None
    comment: str = ""
    action_hash: str | None = None  #: what the person saw; None where the door cannot know
    looked_seconds: float | None = None  #: since it was shown; None where the door cannot know
    expanded: tuple[str, ...] = ()  #: which parts of the brief were opened
