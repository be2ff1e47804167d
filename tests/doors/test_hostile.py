"""Whatever somebody writes: on every page, in every message and in the terminal it is only text."""

import io
import json
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import httpx
import pytest
from markdown_it import MarkdownIt
from rich.console import Console
from rich.markdown import Markdown

from flows.contracts.lead_routing import CONTRACT
from flows.doors.desk_page import Page, message_page, review_page
from integrations.database import transaction
from integrations.mail import letter
from integrations.slack import message
from rollout.asides import Said
from rollout.authority import Authority
from rollout.brief import MOST_BYTES, Brief, as_markdown, brief_of
from rollout.case import Action, Evidence, Proposal
from rollout.lead_routing import Lead
from rollout.ledger import recall
from rollout.reviews import ReviewRow
from rollout.rights import Right, Ruling
from tests.doors.test_desk import link
from tests.hostile import NAUGHTY
from tests.pilot import Pilot
from tests.staff import staff

__all__ = ["staff"]  # a fixture

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
OURS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "b", "span"),
    *("form", "fieldset", "legend", "label", "input", "select", "option", "textarea", "button"),
}


def brief(words: str) -> Brief:
    """A brief with the words in every place that somebody outside can reach."""
    evidence = Evidence(
        field="message",
        value=words,
        source=words,
        record=words,
        retrieved_at=WHEN,
        trusted=False,
        points=0,
        says=words,
    )
    proposal = Proposal(
        action=Action(name="crm.contact.owner", target=words, arguments={"owner": words}),
        reason=words,
        confidence=0.9,
        data_confidence=1,
        evidence=(evidence,) * 5,
        release="r",
    )
    review = ReviewRow(
        id="R-L-1-1",
        case_id="L-1",
        workflow="lead-routing",
        nth=1,
        step="proposal-1",
        action_hash="h",
        group="sales-desk",
        because=words,
        choices={"owner": [words, "a@b.example"]},
        opened_at=WHEN,
        due_at=WHEN,
    )
    ruling = Ruling(right=Right.REVIEW, because=words, triggers=(words,), policy_version="v")
    said = Said(review_id="R-L-1-1", by=words, to=words, words=words, at=WHEN)
    return brief_of(CONTRACT, review, proposal, ruling, words, [said])


class Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name in LOADS]


LOADS = {"src", "href", "action", "srcdoc", "http-equiv"}


@pytest.mark.parametrize("words", NAUGHTY)
def test_on_the_desk_it_is_text(words: str) -> None:
    page = review_page(
        Page(
            brief=brief(words),
            person=words,
            proposed={"owner": words},
            choices={"owner": [words, "a@b.example"]},
            reasons=("other",),
            shown_at=1,
            wrong=words,
        )
    )
    for html in (page.html, message_page(words).html):
        seen = Tags()
        seen.feed(html)
        assert seen.tags <= OURS
        assert seen.handlers == []
        assert html.encode()  # no half of a pair is left


@pytest.mark.parametrize("words", NAUGHTY)
def test_in_markdown_it_makes_no_link_no_image_and_no_tag(words: str) -> None:
    text = as_markdown(brief(words))
    tokens = [
        inner
        for token in MarkdownIt("commonmark").enable(["table"]).parse(text)
        for inner in (token, *(token.children or ()))
    ]
    kinds = {token.type for token in tokens}

    assert not kinds & {"link_open", "image", "html_inline", "html_block", "fence", "table_open"}
    assert sum(token.type == "heading_open" for token in tokens) == 1
    assert not re.search(r"https?://|www\.", text)
    assert len(text.encode()) <= MOST_BYTES


@pytest.mark.parametrize("words", NAUGHTY)
def test_in_the_terminal_it_moves_no_cursor_and_opens_no_link(words: str) -> None:
    shown = io.StringIO()
    Console(file=shown, force_terminal=False, width=100).print(
        Markdown(as_markdown(brief(words)), hyperlinks=False)
    )
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f\x7f\x9b\u202a-\u202e\u2066-\u2069]", shown.getvalue()
    )


@pytest.mark.parametrize("words", NAUGHTY)
def test_in_slack_it_mentions_nobody_and_links_nowhere(words: str) -> None:
    content = json.loads(message(words.encode(errors="replace").decode()))
    assert "<" not in content["text"]
    assert content["blocks"][0]["text"]["type"] == "plain_text"
    assert content["unfurl_links"] is False


@pytest.mark.parametrize("words", NAUGHTY)
def test_in_a_letter_it_is_one_header_and_one_body(words: str) -> None:
    content = letter(
        sender="taxiway@x.example",
        recipient="ann@x.example",
        subject=words,
        text=words,
        key="k",
        at=WHEN,
    )
    read = message_from_bytes(content, policy=default)
    assert read["Bcc"] is None
    assert read["To"] == "ann@x.example"
    assert read.get_content_type() == "text/plain"
    assert b"\r\n.\r\n" not in content.split(b"\r\n\r\n", 1)[0]


@pytest.mark.system
@pytest.mark.usefixtures("staff")
def test_through_the_whole_house_it_stays_what_it_was(pilot: Pilot) -> None:
    pilot.at(Authority.RECOMMEND)
    plain = [one for one in NAUGHTY if one != "\ud83d"]
    parts = ["\n".join(plain[n::6])[:9_900] for n in range(6)]
    sent = {part: pilot.send(pilot.lead(free_text=part, job_title=part[:190])) for part in parts}
    for part, event in sent.items():
        review = pilot.review(event)
        with transaction() as session:
            lead = recall(session, review.case_id, "lead", Lead)
        assert lead is not None
        assert lead.submission.free_text == part  # byte by byte in the ledger
        page = httpx.get(link(pilot, review))
        seen = Tags()
        seen.feed(page.text)
        assert (page.status_code, seen.tags <= OURS, seen.handlers) == (200, True, [])


@pytest.mark.system
def test_half_a_letter_is_refused_and_nothing_breaks(pilot: Pilot) -> None:
    form = pilot.lead()
    body = {"type": "lead.created", "timestamp": "2026-11-02T08:00:00Z", "data": form}
    raw = json.dumps(body).replace(form["first_name"], "\\ud83d")
    answer = pilot.post(raw.encode())
    assert answer.status_code in {400, 422}
