"""The bars of the climb from a file: one TOML table, each key one bar."""

import tomllib
from dataclasses import fields
from pathlib import Path

from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.gates import Policy

STRICTER_ABOVE = (
    *("agreement", "coverage", "budget", "min_units", "min_days"),
    *("acceptance", "integration", "matured", "step_days", "rechecks", "planted"),
)
STRICTER_BELOW = (
    *("harm", "margin", "alpha", "fresh_days"),
    *("anchoring", "drill_days", "escalation", "lent_days"),
)
WHOLE = ("min_units", "rechecks")


def policy_from(file: str) -> Policy:
    """Read a policy; the defaults without a file. Raises `Invalid` naming what is wrong."""
    if not file:
        return Policy()
    try:
        words = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{file} is no TOML: {error}") from None
    known = {one.name: one for one in fields(Policy)}
    if strange := sorted(set(words) - set(known)):
        raise Invalid(f"{file}: {', '.join(strange)} is no bar; known: {', '.join(known)}")
    made = {name: _value(file, name, words[name]) for name in words}
    return Policy(**made)  # type: ignore[arg-type] # each was checked for its kind


def policy_of(contract: Contract) -> Policy:
    """Give a workflow's bars; raises `Invalid` where its contract makes one lower than usual."""
    own = Policy(**dict(contract.bars))  # type: ignore[arg-type] # numbers, by name
    if low := loosened(Policy(), own):
        raise Invalid(f"{contract.workflow} makes bars lower: {', '.join(low)}; only higher ones")
    return own


def loosened(base: Policy, policy: Policy) -> list[str]:
    """Name the bars that a policy makes lower than another one."""
    low = [name for name in STRICTER_ABOVE if getattr(policy, name) < getattr(base, name)]
    high = [name for name in STRICTER_BELOW if getattr(policy, name) > getattr(base, name)]
    return low + high


def _value(file: str, name: str, value: object) -> object:
    if name in {"dry_run", "segments"}:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Invalid(f"{file}: {name} is a list of words")
        return tuple(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"{file}: {name} is a number")
    if name not in WHOLE:
        return float(value)
    if value != int(value):
        raise Invalid(f"{file}: {name} is a whole number")
    return int(value)
