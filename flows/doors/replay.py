"""Running an agent against a sheet of history: rows in, what it would have answered out."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from flows.catalog import behind, workflow
from integrations.agents import AgentFailed
from integrations.agents.from_file import BadAgent, Proposer, Row, load_agent
from integrations.sheets import read_sheet
from rollout.errors import Invalid, TaxiwayError
from rollout.replay import Past

logger = logging.getLogger("taxiway.replay")
MOST_BROKEN = 0.5  #: of the first hundred: then the agent is broken, and not the cases


@dataclass(frozen=True)
class History:
    """Where history is, and which columns say what."""

    file: Path
    human: str
    unit: str = ""
    time: str = ""
    time_format: str = ""
    segment: str = ""
    hidden: tuple[str, ...] = ()  #: what was known only later: the agent does not see it


@dataclass
class Reading:
    """The rows of a sheet, and what was left out."""

    rows: list[dict[str, str]]
    times: list[datetime | None]
    notes: list[str] = field(default_factory=list)


def agent_of(agent: str, of_workflow: str) -> Proposer:
    """Give the agent of a file or of a workflow; raises `Invalid` or `BadAgent`."""
    if bool(agent) == bool(of_workflow):
        raise Invalid("say either --agent FILE.py:propose or --workflow NAME")
    if agent:
        return load_agent(agent)
    known = workflow(of_workflow)
    if not known.on_past:
        raise Invalid(f"{known.name} has no agent that answers rows of history")
    found: Proposer = behind(known.on_past)
    return found


def read_history(history: History) -> Reading:
    """Read the sheet; raises `BadSheet` or `Invalid` with what is wrong and where."""
    named = [history.human, history.unit, history.time, history.segment, *history.hidden]
    sheet = read_sheet(history.file, list(dict.fromkeys(one for one in named if one)), None)
    reading, seen, copies = Reading([], []), set[tuple[str, ...]](), 0
    tells_apart = bool(history.unit or history.time)  # else two cases may just look alike
    for line, row in sheet.rows:
        key = tuple(row.values())
        copies += key in seen
        if key in seen and tells_apart:
            continue
        seen.add(key)
        reading.rows.append(row)
        reading.times.append(_time(history, line, row))
    if copies:
        what = "were left out" if tells_apart else "count: without --unit or --time none can tell"
        reading.notes.append(f"{copies} rows are copies of others, and {what}")
    without = sum(not row[history.human] for row in reading.rows)
    if without == len(reading.rows):
        raise Invalid(f"{history.file}: nobody's answer stands in the column {history.human}")
    if without:
        reading.notes.append(f"{without} rows have no answer of a person, and compare with nothing")
    zoned = {one.tzinfo is not None for one in reading.times if one is not None}
    if len(zoned) > 1:
        raise Invalid(
            f"{history.file}: some times in {history.time} have a time zone and some have none"
        )
    reading.times = [
        one and (one if one.tzinfo else one.replace(tzinfo=UTC)) for one in reading.times
    ]
    return reading


def answers(
    history: History, reading: Reading, propose: Proposer, step: Callable[[], object]
) -> list[Past]:
    """Ask the agent about every row, without what people answered; raises `BadAgent`."""
    closed = {history.human, *history.hidden}
    found: list[Past] = []
    broken: list[str] = []
    for row, at in zip(reading.rows, reading.times, strict=True):
        decision, confidence, trouble = _asked(propose, row, closed)
        if trouble:
            broken.append(trouble)
            if len(found) < 100 and len(broken) > 100 * MOST_BROKEN:
                raise BadAgent(f"the agent breaks on most rows; the last time: {trouble}")
        found.append(
            Past(
                human=row[history.human],
                proposed=decision,
                confidence=confidence,
                unit=row[history.unit] if history.unit else None,
                segment=row[history.segment] if history.segment else None,
                at=at,
            )
        )
        step()
    if broken and len(broken) == len(found):
        raise BadAgent(f"the agent breaks on every row; the last time: {broken[-1]}")
    if broken:
        reading.notes.append(f"it broke on {len(broken)} rows; the first time: {broken[0]}")
    return found


def _asked(propose: Proposer, row: Row, closed: set[str]) -> tuple[str | None, float | None, str]:
    try:
        decision, confidence = propose({k: v for k, v in row.items() if k not in closed})
    except (TaxiwayError, BadAgent):
        raise
    except AgentFailed as error:
        return None, None, str(error)
    except Exception as error:  # noqa: BLE001 # somebody's code: what it raises is its answer
        return None, None, f"{type(error).__name__}: {error}"
    return decision, confidence, ""


def _time(history: History, line: int, row: Mapping[str, str]) -> datetime | None:
    if not history.time:
        return None
    words = row[history.time]
    try:
        if history.time_format:
            return datetime.strptime(words, history.time_format)  # noqa: DTZ007 # zones are looked at together
        return datetime.fromisoformat(words)
    except ValueError:
        hint = "" if history.time_format else "; say how they are written with --time-format"
        raise Invalid(
            f"{history.file}, line {line}: {words!r} in {history.time} is no time{hint}"
        ) from None
