"""The page of a further opinion, in the manner of the desk: escaped, no script, nothing loaded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flows.doors.desk_page import UNTRUSTED, Made, text, whole
from rollout.opinions import Side
from tasks.opinions import Shown

SAYS = {
    Side.FIRST: "the first one is right",
    Side.SECOND: "the second one is right",
    Side.BOTH: "both are right",
    Side.NEITHER: "neither is right",
}


@dataclass(frozen=True)
class OpinionPage:
    """What stands on the page."""

    opinion: str
    workflow: str
    person: str
    shown: Shown
    offered: Mapping[str, Sequence[str]]  #: by field, as a help
    told: str = ""  #: what became of the last answer


def opinion_page(page: OpinionPage) -> Made:
    """Render one question with its form."""
    return whole(f"{page.workflow}: your opinion", "".join(_parts(page)))


def _parts(page: OpinionPage) -> Iterator[str]:
    asks = "Who is right?" if page.shown.sides else "What would you do?"
    yield f"<h1>{asks}</h1>"
    if page.told:
        yield f'<p class="mark">{text(page.told)}</p>'
    yield f"<p>For {text(page.person)}. {text(page.workflow)}, case {text(page.shown.case)}. "
    yield "It is decided already: nothing is written by what you say.</p><h2>Facts</h2><ul>"
    for one in page.shown.facts:
        mark = "" if one.trusted else UNTRUSTED
        yield f"<li>{text(one.field)}: <b>{text(one.value)}</b>{mark} ({text(one.source)})</li>"
    yield "</ul>"
    for side, words in page.shown.sides.items():
        yield f"<h2>The {side} answer</h2><p>{text(words)}</p>"
    yield '<form method="post"><fieldset><legend>Your word</legend>'
    yield f'<input type="hidden" name="opinion" value="{text(page.opinion)}">'
    if page.shown.sides:
        for side, words in SAYS.items():
            yield (
                f'<label><input type="radio" name="side" value="{side}" required> {words}</label>'
            )
    for name in page.shown.fields:
        yield from _field(name, page.offered.get(name, ()))
    yield "</fieldset><button>Send</button></form>"


def _field(name: str, offered: Sequence[str]) -> Iterator[str]:
    options = "".join(f'<option value="{text(one)}"></option>' for one in offered)
    yield (
        f'<label>{text(name)}<input class="wide" name="set-{text(name)}" '
        f'list="known-{text(name)}" maxlength="300" required autocomplete="off"></label>'
        f'<datalist id="known-{text(name)}">{options}</datalist>'
    )
