"""JSON as a careful sender writes it: what PostgreSQL or an answer could not hold is refused."""

import json
from typing import Any


class OddJsonError(ValueError):
    """JSON by the letter, but not what a careful sender writes; or no JSON at all."""


def read_json(body: bytes) -> object:
    """Read a body; raises `OddJsonError` in words that repeat none of its values."""
    try:
        content: object = json.loads(
            body, object_pairs_hook=_once_each, parse_constant=_no_constant
        )
        _check_texts(content)
    except OddJsonError:
        raise
    except (ValueError, RecursionError):
        raise OddJsonError("the body is not JSON") from None
    return content


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise OddJsonError("a name occurs twice in one object")
    if "__prefect_kind" in content:
        raise OddJsonError("__prefect_kind is not allowed")
    return content


def _check_texts(content: object) -> None:
    if isinstance(content, str):
        if "\x00" in content:
            raise OddJsonError("a text contains a NUL character")
        if any("\ud800" <= character <= "\udfff" for character in content):
            raise OddJsonError("a text contains half of a surrogate pair")
    elif isinstance(content, list):
        for one in content:
            _check_texts(one)
    elif isinstance(content, dict):
        for name, value in content.items():
            _check_texts(name)
            _check_texts(value)


def _no_constant(name: str) -> None:
    raise OddJsonError(f"{name} is not a JSON value")
