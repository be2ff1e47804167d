"""
What every agent stands behind, whether it follows rules or asks a model: a question with typed
facts and choices goes in, an answer with its evidence, confidence and cost comes out.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Protocol

Value = str | int | float | bool | None


class AgentFailed(Exception):
    """The agent gave nothing that can be used."""


class Purse(Protocol):
    """What an agent may spend: it takes the most that a call can cost before it makes the call."""

    def take(self, most: int) -> str:
        """Reserve thousandths of a minor unit; gives the call's name. Raises `AgentFailed`."""
        ...

    def settle(self, call: str, cost: int) -> None:
        """Note what a call has cost; one that nobody settles has cost the most it could."""
        ...


@dataclass(frozen=True)
class Choice:
    """A person who may own the record."""

    owner: str  #: e-mail address
    name: str
    industries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    load: int = 0  #: records this person has now


@dataclass(frozen=True)
class Question:
    """What the agent is asked: facts by name, and what it may choose from."""

    facts: Mapping[str, Value]
    choices: tuple[Choice, ...]
    asked_at: datetime


@dataclass(frozen=True)
class Evidence:
    """One thing the agent looked at; what is not trusted is quoted and never obeyed."""

    field: str
    value: str
    source: str
    record: str
    retrieved_at: datetime
    trusted: bool
    points: float  #: what it added to the confidence
    says: str


@dataclass(frozen=True)
class Cost:
    """What an answer cost; money in thousandths of a minor unit: a call costs less than one."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    amount_millis: int = 0
    currency: str = "EUR"


@dataclass(frozen=True)
class Answer:
    """What the agent would do. Without evidence to trust its confidence counts as nothing."""

    decision: Mapping[str, str]
    reason: str
    confidence: float
    data_confidence: float
    evidence: tuple[Evidence, ...]
    conflicts: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    cost: Cost = field(default_factory=Cost)
    score: int = 0  #: 0 to 100: how much the lead seems to want
    suggested_line: str = ""

    def __post_init__(self) -> None:
        for name in ("confidence", "data_confidence"):
            value = getattr(self, name)
            if not math.isfinite(value) or not 0 <= value <= 1:
                raise AgentFailed(f"{name} is {value}, not between 0 and 1")
        if not any(one.trusted for one in self.evidence):
            object.__setattr__(self, "confidence", 0.0)


@dataclass(frozen=True)
class Release:
    """What exactly answers: its id is the SHA-256 of this manifest."""

    name: str
    version: str
    model: str = "none"
    parameters: Mapping[str, Value] = field(default_factory=dict)
    calibrated_on: int = 0  #: labelled cases behind its confidence
    author: str = ""  #: who answers for it; changes nothing of what it answers

    @property
    def id(self) -> str:
        """The SHA-256 of the manifest's canonical JSON, without its author."""
        manifest = {name: value for name, value in asdict(self).items() if name != "author"}
        content = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()


class Agent(Protocol):
    """Anything that answers questions."""

    @property
    def release(self) -> Release:
        """What exactly answers."""
        ...

    async def propose(self, question: Question, purse: Purse) -> Answer:
        """Answer, or raise `AgentFailed` when there is no usable answer."""
        ...
