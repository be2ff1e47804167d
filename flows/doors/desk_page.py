"""The desk's pages as HTML: every word from outside escaped, no script, nothing loaded."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from rollout.brief import MOST_BYTES, Brief, plain

STYLE = """
body{font:16px/1.45 system-ui,sans-serif;margin:0 auto;max-width:44rem;padding:1rem;color:#1a1a1a}
h1{font-size:1.25rem}h2{font-size:1rem;margin:1.2rem 0 .3rem}ul{margin:.2rem 0;padding-left:1.2rem}
li{overflow-wrap:anywhere}.mark{background:#fff3cd;padding:0 .25rem}.wrong{background:#fde2e2;
padding:.6rem}label{display:block;margin:.5rem 0}label.line{display:inline}
select,textarea,input[name=to],input.wide{width:100%;font:inherit;
box-sizing:border-box}fieldset{border:1px solid #bbb;margin:.6rem 0}button{font:inherit;
padding:.5rem 1.2rem}.fold:not(:checked)~.more{display:none}
"""
OPEN_LINES = 3  #: of the evidence; the rest is folded, and whether it was opened is kept
FOLDS = ("evidence",)
UNTRUSTED = ' <span class="mark">untrusted text</span>'  #: beside what came from outside


@dataclass(frozen=True)
class Page:
    """What stands on the page of a review."""

    brief: Brief
    person: str
    proposed: Mapping[str, str]  #: what was proposed for them; empty before a blind answer
    choices: Mapping[str, Sequence[str]]
    reasons: Sequence[str]
    shown_at: int  #: seconds since 1970
    wrong: str = ""  #: why the last answer was not taken


@dataclass(frozen=True)
class Made:
    """A page, and the headers that it must have."""

    html: str
    headers: Mapping[str, str]


def review_page(page: Page) -> Made:
    """Render a review with its form, at most 64 KiB of evidence."""
    return whole(page.brief.title, "".join(_parts(page)))


def message_page(words: str) -> Made:
    """Render one sentence."""
    return whole("Taxiway", f"<p>{text(words)}</p>")


def whole(title: str, body: str) -> Made:
    """Give a whole page, with the headers that let it load and run nothing."""
    nonce = secrets.token_urlsafe(16)
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{text(title)}</title><style nonce="{nonce}">{STYLE}</style></head>'
        f"<body>{body}</body></html>"
    )
    return Made(
        html,
        {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            ),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _parts(page: Page) -> Iterator[str]:
    brief = page.brief
    yield f"<h1>{text(brief.title)}</h1>"
    if page.wrong:
        yield f'<p class="wrong">Your answer was not taken: {text(page.wrong)}</p>'
    yield f"<p>For {text(page.person)}. Due {text(brief.deadline)}.</p>"
    yield f"<h2>Will run ({text(brief.review)})</h2>{_list(brief.does)}"
    yield f"<h2>Why you are asked (confidence: {text(brief.sureness)})</h2>"
    yield _list(brief.because)
    yield from _evidence(brief)
    if brief.said:
        yield f"<h2>Asked and answered</h2>{_list(brief.said)}"
    yield from _form(page)


def _evidence(brief: Brief) -> Iterator[str]:
    """List the evidence: the first lines, and the rest behind a box that the form sends along."""
    lines, left = [], MOST_BYTES
    for one in brief.evidence:
        mark = "" if one.trusted else UNTRUSTED
        line = (
            f"<li>{text(one.says)}: <b>{text(one.value)}</b>{mark} ({text(one.source)} "
            f"{text(one.record)}, {one.retrieved_at:%Y-%m-%d %H:%M} UTC)</li>"
        )
        left -= len(line.encode())
        if left < 0:
            lines.append("<li>More does not fit here; `taxiway review show` has all of it.</li>")
            break
        lines.append(line)
    if not lines:
        yield '<h2>Evidence</h2><p class="mark">There is none: say why, if you approve.</p>'
        return
    yield f"<h2>Evidence</h2><ul>{''.join(lines[:OPEN_LINES])}</ul>"
    if more := lines[OPEN_LINES:]:
        yield (
            '<input type="checkbox" class="fold" id="fold" form="answer" name="opened-evidence" '
            f'value="yes"><label for="fold" class="line">Show {len(more)} more</label>'
            f'<ul class="more">{"".join(more)}</ul>'
        )


def _form(page: Page) -> Iterator[str]:
    yield '<form method="post" id="answer"><fieldset><legend>Your answer</legend>'
    for line in page.brief.answers:
        verb, _, means = line.partition(": ")
        yield (
            f'<label><input type="radio" name="verb" value="{text(verb)}" required> '
            f"<b>{text(verb)}</b>: {text(means)}</label>"
        )
    yield "</fieldset>"
    for field, values in page.choices.items():
        proposed = page.proposed.get(field)
        others = "".join(
            f'<option value="{text(one)}">{text(one)}</option>' for one in values if one != proposed
        )
        first = "choose" if proposed is None else f"as proposed: {text(proposed)}"
        options = f'<option value="">{first}</option>{others}'
        yield (
            f"<label>{text(field)}, for an edit"
            f'<select name="set-{text(field)}">{options}</select></label>'
        )
    reasons = "".join(f'<option value="{text(one)}">{text(one)}</option>' for one in page.reasons)
    yield (
        '<label>Why, for an edit or a no<select name="reason"><option value=""></option>'
        f"{reasons}</select></label>"
        "<label>Comment, or your question for request_info"
        '<textarea name="comment" rows="3" maxlength="2000"></textarea></label>'
        "<label>Whom to ask, for request_info"
        '<input name="to" maxlength="100" placeholder="the process owner"></label>'
        f'<input type="hidden" name="shown" value="{page.shown_at}">'
        "<button>Send</button></form>"
    )


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{text(line)}</li>' for line in lines)}</ul>"


def text(words: str) -> str:
    """Give text from outside as one visible, escaped line."""
    return escape(plain(words), quote=True)
