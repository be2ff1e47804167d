"""What goes wrong on purpose: scripts that say which request fails, how, and how often."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "status",
    "status_after_apply",
    "reset_before_apply",
    "reset_after_apply",
    "truncate",
    "delay",
)


@dataclass
class Fault:
    """One script; it is used up after `times` requests."""

    do: str
    method: str = "*"
    path: str = ".*"
    status: int = 503
    times: int = 1
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def applies(self) -> bool:
        """Whether the request takes effect all the same."""
        return self.do not in {"status", "reset_before_apply"}


class Faults:
    """The scripts in force, the oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, script: Mapping[str, Any]) -> None:
        """Put a script in force; raises `ValueError` for one that nobody could play."""
        fault = Fault(**script)
        if fault.do not in KINDS:
            raise ValueError(f"do must be one of {', '.join(KINDS)}")
        self._waiting.append(fault)

    def clear(self) -> None:
        """Let everything work again."""
        self._waiting.clear()

    def next_for(self, method: str, path: str) -> Fault | None:
        """Take the fault that meets this request, if any."""
        for fault in self._waiting:
            if fault.method in {"*", method} and re.search(fault.path, path):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None
