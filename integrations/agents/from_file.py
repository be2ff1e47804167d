"""An agent of somebody's own, from a Python file: a function that takes a row and proposes."""

import importlib.util
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from integrations.agents import AgentFailed
from integrations.errors import OutsideError

Row = Mapping[str, str]
Proposer = Callable[[Row], tuple[str | None, float | None]]


class BadAgent(OutsideError):
    """An agent's file cannot be used; the message says why."""


def load_agent(words: str) -> Proposer:
    """Give the function behind FILE.py:NAME; raises `BadAgent`."""
    place, _, name = words.rpartition(":")
    if not place or not name.isidentifier():
        raise BadAgent(f"{words!r} is not FILE.py:FUNCTION, like router.py:propose")
    file = Path(place)
    if not file.is_file():
        raise BadAgent(f"{file}: there is no such file")
    spec = importlib.util.spec_from_file_location("taxiway_agent", file)
    if spec is None or spec.loader is None:
        raise BadAgent(f"{file}: this is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent.resolve()))  # so that it finds its neighbours
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 # somebody's code: whatever it raises
        raise BadAgent(f"{file}: {type(error).__name__}: {error}") from None
    finally:
        sys.path.pop(0)
    function = getattr(module, name, None)
    if not callable(function):
        raise BadAgent(f"{file}: it has no function {name}")
    return lambda row: understood(function(row))


def understood(said: object) -> tuple[str | None, float | None]:
    """Give what an agent said as a decision and a confidence; raises `AgentFailed`."""
    if said is None:
        return None, None
    if isinstance(said, Mapping):
        said = (said.get("decision"), said.get("confidence"))
    if not isinstance(said, tuple) or len(said) != 2:
        raise AgentFailed("it gives a decision and a confidence, as a pair")
    decision, confidence = said
    if confidence is not None:
        if isinstance(confidence, bool) or not isinstance(confidence, int | float):
            raise AgentFailed(f"its confidence is {confidence!r}, no number")
        if not math.isfinite(confidence) or not 0 <= confidence <= 1:
            raise AgentFailed(f"its confidence is {confidence}, not between 0 and 1")
    if decision is not None and not isinstance(decision, str | int | float):
        raise AgentFailed(f"its decision is of the type {type(decision).__name__}, no text")
    return None if decision is None else str(decision), confidence
