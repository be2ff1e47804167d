"""One line of what was measured."""

import statistics
from typing import Any

Row = dict[str, Any]


def row(what: str, seconds: list[float], base: float | None, *, digits: int = 3) -> Row:
    """Give the median and the 95th percentile of times, and their ratio to a base."""
    made: Row = {
        "what": what,
        "n": len(seconds),
        "p50": round(statistics.median(seconds), digits),
        "p95": round(sorted(seconds)[max(0, round(0.95 * len(seconds)) - 1)], digits),
        "unit": "s",
    }
    if base:
        made["ratio"] = round(statistics.median(seconds) / base, 2)
    return made


def spread(what: str, n: int, per_second: float) -> Row:
    """Give a rate."""
    return {"what": what, "n": n, "p50": round(per_second, 1), "unit": "1/s"}
