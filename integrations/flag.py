"""
The stop that needs no database: a file in the home of the installation, read before each write.

Each line is one stop, as JSON. It is written beside and moved into its place, so that it is
there as a whole or not at all.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from integrations.settings import SettingsError, home

NAME = "halted"


@dataclass(frozen=True)
class Stop:
    """Who stopped what, when (ISO 8601, UTC), and why."""

    workflow: str
    by: str
    because: str
    at: str


def flag() -> Path:
    """Give the file of this installation."""
    return home() / NAME


def raise_flag(stop: Stop) -> None:
    """Add a stop; raises `SettingsError` when the file cannot be written."""
    _write([*stops(), stop])


def stops() -> list[Stop]:
    """Give the stops on file, oldest first; a file that cannot be read stops everything."""
    try:
        lines = flag().read_text().splitlines()
        return [Stop(**json.loads(line)) for line in lines if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError):
        return [Stop("all", "unknown", f"{flag()} cannot be read", "")]


def lower_flag(workflow: str) -> None:
    """Take the stops of a workflow out of the file."""
    if flag().exists():
        _write([one for one in stops() if one.workflow != workflow])


def _write(kept: list[Stop]) -> None:
    file = flag()
    try:
        if not kept:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text("".join(f"{json.dumps(asdict(one))}\n" for one in kept))
        fresh.replace(file)
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}") from None
