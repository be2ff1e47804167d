"""
What an incoming request must be: signed, JSON, events of a known type, with the right fields.

Each `Turned` away says why, in words for the sender's developers; no value is repeated, since it
may be about a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from flows.catalog import Workflow, known_events, started_by
from flows.doors.careful_json import read_json
from flows.doors.facts import FACTS, Told
from integrations.signatures import BadSignature, Incoming, verify
from rollout.canonical import canonical

MOST_BYTES = 256 * 1024
MOST_ID = 200  #: characters of an event's id
MOST_EVENTS = 100  #: as many as HubSpot sends at once
OURS = frozenset({"type", "timestamp", "data"})


class Turned(Exception):
    """The event is turned away: an HTTP status, a reason, and the fields that are wrong."""

    def __init__(self, status: int, reason: str, fields: Sequence[Mapping[str, str]] = ()) -> None:
        self.status = status
        self.reason = reason
        self.fields = list(fields)
        super().__init__(reason)


@dataclass(frozen=True)
class Source:
    """Somebody who may send: how they sign, and with which keys."""

    name: str
    style: str
    secrets: Sequence[str]


@dataclass(frozen=True)
class Event:
    """An event that can be kept."""

    ext_id: str
    workflow: Workflow | None  #: that it starts; None: it is word about a known case
    body: bytes  #: as it is stored
    told: Told | None = None


def read_events(source: Source, incoming: Incoming) -> list[Event]:
    """
    Check a request from top to bottom; raises `Turned`.

    Gives none where a system that sends all kinds of events sent only such as start nothing.
    """
    try:
        ext_id = verify(source.style, source.secrets, incoming)
    except BadSignature as bad:
        raise Turned(401, str(bad)) from None
    content = _json(incoming.body)
    if source.style == "hubspot-v3":
        return _from_hubspot(content)
    if not isinstance(content, dict):
        raise Turned(400, "the body is not a JSON object")
    event = _read(_checked_id(ext_id or _own_id(content)), content, incoming.body)
    if event is None and source.style == "standard":
        known = ", ".join(sorted([*known_events(), *FACTS]))
        raise Turned(422, "unknown type", [{"field": "type", "problem": f"known: {known}"}])
    return [event] if event else []


def _json(body: bytes) -> object:
    try:
        return read_json(body)
    except ValueError as error:
        raise Turned(400, str(error)) from None


def _read(ext_id: str, content: Mapping[str, Any], body: bytes) -> Event | None:
    """Give the event of an envelope of ours; None for a type that starts nothing."""
    kind = str(content.get("type"))
    found = started_by(kind)
    shape = found.events[kind] if found else FACTS.get(kind)
    if shape is None:
        return None
    if fields := _wrong(shape, content):
        raise Turned(422, f"{kind} has wrong fields; nothing was kept", fields)
    told = FACTS[kind].model_validate(content["data"]) if kind in FACTS else None
    return Event(ext_id=ext_id, workflow=found, body=body, told=told)


def _from_hubspot(content: object) -> list[Event]:
    """
    Read HubSpot's list of events: each becomes one of ours.

    A delivery that is tried again differs in `attemptNumber`, so that is left out of what is kept.
    """
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise Turned(400, "the body is not a list of events")
    if len(content) > MOST_EVENTS:
        raise Turned(413, f"more than {MOST_EVENTS} events at once")
    events = []
    for one in content:
        kept = {name: value for name, value in one.items() if name != "attemptNumber"}
        ext_id = "-".join(
            str(one.get(name)) for name in ("subscriptionId", "eventId", "objectId", "occurredAt")
        )
        envelope = {"type": one.get("subscriptionType"), "data": kept}
        event = _read(_checked_id(ext_id), envelope, canonical(envelope))
        events += [event] if event else []
    return events


def _own_id(content: Mapping[str, Any]) -> str:
    found = content.get("event_id") or content.get("id")  # Slack's word, and Stripe's
    if not isinstance(found, str):
        raise Turned(400, "the event has no id")
    return found


def _checked_id(ext_id: str) -> str:
    if not ext_id or len(ext_id) > MOST_ID or not ext_id.isprintable():
        raise Turned(400, f"an event's id must be printable and at most {MOST_ID} characters")
    return ext_id


def _wrong(shape: type[BaseModel], content: Mapping[str, Any]) -> list[dict[str, str]]:
    strangers = sorted(set(content) - OURS - {"id", "event_id"})
    wrong = [{"field": name[:100], "problem": "unknown field"} for name in strangers]
    try:
        shape.model_validate(content.get("data"))
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
