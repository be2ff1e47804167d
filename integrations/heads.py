"""
Where the ends of the ledger's chain are published: a file beside, better on another disk.

One line each: length, hash, time. Lines are only ever added. `TAXIWAY_AUDIT_HEADS` names the file.
"""

import os
from datetime import datetime
from pathlib import Path

from integrations.settings import SettingsError, home, settings

NAME = "audit.heads"


def heads_file() -> Path:
    """Give the file of this installation."""
    return Path(settings().audit_heads) if settings().audit_heads else home() / NAME


def publish(length: int, last_hash: str, at: datetime) -> None:
    """Add a head unless it is the last one; raises `SettingsError` when that cannot be done."""
    file = heads_file()
    if published(file)[-1:] == [(length, last_hash)]:
        return
    try:
        with file.open("a") as out:
            out.write(f"{length} {last_hash} {at.isoformat()}\n")
            out.flush()
            os.fsync(out)
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}") from None


def published(file: Path) -> list[tuple[int, str]]:
    """Give every head on file, oldest first; raises `SettingsError` for a line that is none."""
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    try:
        return [(int(length), last) for length, last, _ in (line.split(" ") for line in lines)]
    except ValueError:
        raise SettingsError(f"{file} is damaged: each line is a length, a hash, a time") from None
