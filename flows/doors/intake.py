"""
What an incoming event must be: signed, JSON, of a known type, with exactly the known fields.

Each `Turned` away says why, in words for the sender's developers; no value is repeated, since it
may be about a person.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from flows.catalog import WORKFLOWS, Workflow, started_by
from integrations.signatures import BadSignature, verify

MOST_BYTES = 256 * 1024
MOST_ID = 200  #: characters of an event's id


class Turned(Exception):
    """The event is turned away: an HTTP status, a reason, and the fields that are wrong."""

    def __init__(self, status: int, reason: str, fields: Sequence[Mapping[str, str]] = ()) -> None:
        self.status = status
        self.reason = reason
        self.fields = list(fields)
        super().__init__(reason)


@dataclass(frozen=True)
class Event:
    """An event that can be kept."""

    ext_id: str
    workflow: Workflow


def read_event(
    source: str, secrets: Mapping[str, Sequence[str]], headers: Mapping[str, str], body: bytes
) -> Event:
    """Check an event from top to bottom; raises `Turned`."""
    if source not in secrets:
        raise Turned(404, f"there is no source {source[:50]!r} here")
    try:
        verify(secrets[source], headers, body)
    except BadSignature as bad:
        raise Turned(401, str(bad)) from None
    ext_id = headers["webhook-id"]
    if len(ext_id) > MOST_ID or not ext_id.isprintable():
        raise Turned(400, f"webhook-id must be printable and at most {MOST_ID} characters")
    content = _object(body)
    found = started_by(str(content.get("type")))
    if found is None:
        known = ", ".join(sorted(one.event for one in WORKFLOWS))
        raise Turned(422, "unknown type", [{"field": "type", "problem": f"known: {known}"}])
    if fields := _wrong(found, content):
        raise Turned(422, f"{found.event} has wrong fields; nothing was kept", fields)
    return Event(ext_id=ext_id, workflow=found)


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body, object_pairs_hook=_once_each, parse_constant=_no_constant)
        _check_texts(content)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _OddJsonError) else "the body is not JSON"
        raise Turned(400, reason) from None
    if not isinstance(content, dict):
        raise Turned(400, "the body is not a JSON object")
    return content


class _OddJsonError(ValueError):
    """JSON by the letter, but not what a careful sender writes."""


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _OddJsonError("a name occurs twice in one object")
    if "__prefect_kind" in content:
        raise _OddJsonError("__prefect_kind is not allowed")
    return content


def _check_texts(content: object) -> None:
    """Refuse what neither PostgreSQL nor an answer of ours could hold, wherever it is."""
    if isinstance(content, str):
        if "\x00" in content:
            raise _OddJsonError("a text contains a NUL character")
        if any("\ud800" <= character <= "\udfff" for character in content):
            raise _OddJsonError("a text contains half of a surrogate pair")
    elif isinstance(content, list):
        for one in content:
            _check_texts(one)
    elif isinstance(content, dict):
        for name, value in content.items():
            _check_texts(name)
            _check_texts(value)


def _no_constant(name: str) -> None:
    raise _OddJsonError(f"{name} is not a JSON value")


def _wrong(found: Workflow, content: Mapping[str, Any]) -> list[dict[str, str]]:
    extra = sorted(set(content) - {"type", "timestamp", "data"})
    wrong = [{"field": name[:100], "problem": "unknown field"} for name in extra]
    try:
        found.body.model_validate(content.get("data"))
    except ValidationError as error:
        wrong += [
            {
                "field": ".".join(["data", *(str(part)[:100] for part in one["loc"])]),
                "problem": _in_words(one["type"], one["msg"]),
            }
            for one in error.errors(include_url=False, include_input=False)
        ]
    return wrong


def _in_words(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "missing"
        case "extra_forbidden":
            return "unknown field"
        case "model_type" | "model_attributes_type":
            return "must be an object"
        case _:
            return message
