"""
Where the ends of the ledger's chain are published: a file beside, better on another disk.

One line each: length, hash, time. Lines are only ever added. `TAXIWAY_AUDIT_HEADS` names the file.
A line that begins with `restored` says that the ledger went back to that end, from a backup; the
ends before it that were longer are not asked for any more, and how much was lost stays on file.
"""

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from integrations.settings import SettingsError, home, settings

NAME = "audit.heads"
RESTORED = "restored"


@dataclass
class Published:
    """The ends on file that still count, oldest first, and what restorations have lost."""

    heads: list[tuple[int, str]] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)


def heads_file() -> Path:
    """Give the file of this installation."""
    return Path(settings().audit_heads) if settings().audit_heads else home() / NAME


def publish(length: int, last_hash: str, at: datetime) -> None:
    """Add a head unless it is the last one; raises `SettingsError` when that cannot be done."""
    file = heads_file()
    if published(file).heads[-1:] != [(length, last_hash)]:
        _add(file, f"{length} {last_hash} {at.isoformat()}")


def publish_restoration(length: int, last_hash: str, at: datetime) -> None:
    """Say that the ledger went back to an end."""
    _add(heads_file(), f"{RESTORED} {length} {last_hash} {at.isoformat()}")


def published(file: Path) -> Published:
    """Read a file of heads; raises `SettingsError` for a line that is none."""
    found = Published()
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return found
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from None
    try:
        for line in lines:
            *word, length, last, at = line.split(" ")
            _take(found, word, int(length), last, at)
    except ValueError:
        raise SettingsError(f"{file} is damaged: each line is a length, a hash, a time") from None
    return found


def _take(found: Published, word: list[str], length: int, last: str, at: str) -> None:
    if word == [RESTORED]:
        longest = max((one for one, _ in found.heads), default=0)
        found.losses.append(
            f"the restoration of {at} went back to row {length} of the chain: "
            f"{max(0, longest - length)} rows that were sealed after it are lost"
        )
        found.heads = [one for one in found.heads if one[0] <= length]
    elif word:
        raise ValueError(word)
    if length:
        found.heads.append((length, last))


def _add(file: Path, line: str) -> None:
    try:
        with file.open("a") as out:
            out.write(f"{line}\n")
            out.flush()
            os.fsync(out)
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}") from None
