"""One way to write a value down, so that equal values have equal bytes and equal hashes."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


def canonical(value: object) -> bytes:
    """Give JSON with sorted keys and no spaces, as UTF-8. Sets are sorted; times are ISO 8601."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    ).encode()


def digest(value: object) -> str:
    """Give the SHA-256 of the canonical bytes, in hexadecimal."""
    return sha256(canonical(value)).hexdigest()


def _plain(value: object) -> Json:
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"no canonical form for {type(value).__name__}")
