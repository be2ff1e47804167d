"""The sandbox's search: filter groups as the CRM has them, over what the index has seen so far."""

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from integrations.sandbox.shapes import Problem, envelope, page
from integrations.sandbox.store import Record, Store

LINKED = "associations."
KINDS = {"contact": "contacts", "company": "companies"}
Test = Callable[[str | None, Mapping[str, Any]], bool]

OPERATORS: Mapping[str, Test] = {
    "EQ": lambda value, says: _same(value, says.get("value")),
    "NEQ": lambda value, says: not _same(value, says.get("value")),
    "IN": lambda value, says: any(_same(value, one) for one in says.get("values", [])),
    "NOT_IN": lambda value, says: not any(_same(value, one) for one in says.get("values", [])),
    "HAS_PROPERTY": lambda value, _: bool(value),
    "NOT_HAS_PROPERTY": lambda value, _: not value,
    "CONTAINS_TOKEN": lambda value, says: _words(says.get("value")) <= _words(value),
    "GT": lambda value, says: _order(value, says) > 0,
    "GTE": lambda value, says: _order(value, says) >= 0,
    "LT": lambda value, says: _order(value, says) < 0,
    "LTE": lambda value, says: _order(value, says) <= 0,
}


def search(store: Store, kind: str, query: Mapping[str, Any], lag: float) -> dict[str, Any]:
    """Answer a search; objects written within the last `lag` seconds are not in the index yet."""
    limit = int(query.get("limit", 10))
    if not 1 <= limit <= 200:
        raise Problem(400, "VALIDATION_ERROR", "limit must be between 1 and 200")
    groups = query.get("filterGroups") or []
    found = [
        record
        for record in store.all(kind, before=time.time() - lag)
        if not groups or any(_meets(store, record, group.get("filters", [])) for group in groups)
    ]
    results = [envelope(record, query.get("properties") or ()) for record in found]
    return {"total": len(results), **page(results, limit, int(query.get("after") or 0))}


def _meets(store: Store, record: Record, filters: list[Mapping[str, Any]]) -> bool:
    return all(
        _is_linked(store, record, says)
        if str(says.get("propertyName")).startswith(LINKED)
        else _test(says)(_value(record, says), says)
        for says in filters
    )


def _is_linked(store: Store, record: Record, says: Mapping[str, Any]) -> bool:
    """Answer `associations.contact EQ id`, or of a company: the filters that we use."""
    kind, operator = str(says["propertyName"]).removeprefix(LINKED), says.get("operator")
    if kind not in KINDS or operator != "EQ":
        raise Problem(400, "VALIDATION_ERROR", f"{LINKED}{kind} {operator} is not supported")
    linked = store.linked(record.type, record.id, KINDS[kind])
    return str(says.get("value")) in {str(number) for number, _ in linked}


def _test(says: Mapping[str, Any]) -> Test:
    operator = str(says.get("operator"))
    if operator not in OPERATORS:
        raise Problem(400, "VALIDATION_ERROR", f"operator {operator} is not supported")
    return OPERATORS[operator]


def _value(record: Record, says: Mapping[str, Any]) -> str | None:
    name = str(says.get("propertyName"))
    shown: dict[str, str | None] = envelope(record, (name,))["properties"]
    return shown.get(name)


def _same(value: str | None, other: object) -> bool:
    return (value or "").casefold() == str(other or "").casefold()


def _words(text: object) -> set[str]:
    return set(re.findall(r"\w+", str(text or "").casefold()))


def _order(value: str | None, says: Mapping[str, Any]) -> int:
    left, right = value or "", str(says.get("value", ""))
    try:
        a, b = _number(left), _number(right)
    except ValueError:
        return (left > right) - (left < right)
    return (a > b) - (a < b)


def _number(text: str) -> float:
    """Read a number, or a moment as milliseconds since 1970."""
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp() * 1000
