"""A gate over time as a picture: agreement with its interval above, the evidence below."""

import math
from collections.abc import Sequence
from html import escape

from rollout.course import Point

WIDTH, HALF, LEFT, TOP = 760, 190, 56, 34
WORDS = "agreement, with the interval that holds at every look"
BARS = "▁▂▃▄▅▆▇█"


def svg(points: Sequence[Point], title: str, bar: float, alpha: float) -> str:
    """Draw the course as SVG: no script, nothing loaded; it is read on light and dark grounds."""
    shown = [one for one in points if one.agreement is not None and one.n]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 2 * LEFT} '
        f'{2 * HALF + 3 * TOP + 20}" font-family="system-ui,sans-serif" font-size="12" role="img" '
        f'aria-label="{escape(title, quote=True)}">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="600">{escape(title)}</text>',
    ]
    if not shown:
        return "".join([*parts, f'<text x="{LEFT}" y="60">Nothing was compared.</text></svg>'])
    need = math.log(1 / alpha)
    evidence = [one.agreement.log_e or 0.0 for one in shown if one.agreement]
    low, high = min(0.0, *evidence), max(need * 1.2, *evidence)
    parts += _shares(shown, bar)
    parts += _axis(HALF + 2 * TOP, "evidence (natural logarithm)", low, high, need, f"{need:.1f}")
    path = " ".join(
        f"{_x(n, len(shown)):.1f},{_y(value, low, high, HALF + 2 * TOP):.1f}"
        for n, value in enumerate(evidence)
    )
    parts.append(f'<polyline points="{path}" fill="none" stroke="#1d4ed8" stroke-width="2"/>')
    ends = f"{shown[0].at:%Y-%m-%d} to {shown[-1].at:%Y-%m-%d}, {shown[-1].n} cases"
    bottom = 2 * HALF + 2 * TOP + 24
    parts.append(f'<text x="{LEFT}" y="{bottom}" fill="#555">{ends}</text></svg>')
    return "".join(parts)


def spark(points: Sequence[Point]) -> str:
    """Draw the agreement over time in one line of the terminal."""
    shares = [one.agreement.value for one in points if one.agreement and one.agreement.value]
    if not shares:
        return ""
    low, high = min(shares), max(shares)
    span = (high - low) or 1
    marks = "".join(BARS[round((share - low) / span * (len(BARS) - 1))] for share in shares)
    return f"agreement {low:.0%} {marks} {high:.0%}"


def _shares(shown: Sequence[Point], bar: float) -> list[str]:
    upper, lower, line = [], [], []
    least = min(0.5, *(one.agreement.low or 0 for one in shown if one.agreement))
    for n, one in enumerate(shown):
        found = one.agreement
        if found is None or found.value is None:
            continue
        x = _x(n, len(shown))
        upper.append(f"{x:.1f},{_y(found.high or 1, least, 1, TOP):.1f}")
        lower.append(f"{x:.1f},{_y(found.low or 0, least, 1, TOP):.1f}")
        line.append(f"{x:.1f},{_y(found.value, least, 1, TOP):.1f}")
    area = " ".join([*upper, *reversed(lower)])
    return [
        *_axis(TOP, WORDS, least, 1, bar, f"{bar:.0%}"),
        f'<polygon points="{area}" fill="#1d4ed8" fill-opacity="0.15"/>',
        f'<polyline points="{" ".join(line)}" fill="none" stroke="#1d4ed8" stroke-width="2"/>',
    ]


def _axis(top: int, words: str, low: float, high: float, bar: float, says: str) -> list[str]:
    y = _y(bar, low, high, top)
    return [
        f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HALF}" fill="none" stroke="#ccc"/>',
        f'<text x="{LEFT + 6}" y="{top + 16}" fill="#555">{escape(words)}</text>',
        f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#b91c1c" '
        'stroke-dasharray="5 4"/>',
        f'<text x="{LEFT + WIDTH + 6}" y="{y + 4:.1f}" fill="#b91c1c">{escape(says)}</text>',
        f'<text x="{LEFT - 8}" y="{top + HALF}" text-anchor="end" fill="#555">{low:.1f}</text>',
        f'<text x="{LEFT - 8}" y="{top + 10}" text-anchor="end" fill="#555">{high:.1f}</text>',
    ]


def _x(n: int, count: int) -> float:
    return LEFT + WIDTH * (n / max(1, count - 1))


def _y(value: float, low: float, high: float, top: int) -> float:
    share = (value - low) / ((high - low) or 1)
    return top + HALF * (1 - min(1.0, max(0.0, share)))
