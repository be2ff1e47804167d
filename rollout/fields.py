"""
Which fields an action may set, and from what to what.

The agent chooses values; which fields it reaches, and which changes of them are possible at all,
is the contract's. What is not named is denied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Values = Mapping[str, str | None]


@dataclass(frozen=True)
class FieldRule:
    """One field that may be set."""

    name: str
    #: From a value to those it may become, "" for nothing there; empty: any to any.
    transitions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    may_blank: bool = False  #: whether what is there may be taken away


def breach(rules: Iterable[FieldRule], before: Values, after: Values) -> str | None:
    """Say which change no rule allows, or None. `before` and `after` are values by field."""
    known = {rule.name: rule for rule in rules}
    for name, value in after.items():
        rule = known.get(name)
        if rule is None:
            return f"the contract does not let it set {name}"
        was = before.get(name) or ""
        if was and not value and not rule.may_blank:
            return f"{name} is not to be emptied"
        if rule.transitions and (value or "") not in rule.transitions.get(was, frozenset()):
            return f"{name} may not go from {was or 'nothing'} to {value or 'nothing'}"
    return None
