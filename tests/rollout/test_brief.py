"""What a reviewer reads is inert, whatever a lead wrote."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.contracts.lead_routing import CONTRACT
from rollout.brief import MOST_BYTES, as_markdown, brief_of, plain, quoted
from rollout.case import Action, Evidence, Proposal
from rollout.reviews import ReviewRow
from rollout.rights import Right, Ruling

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)


def brief(message: str) -> str:
    evidence = Evidence(
        field="message",
        value=message,
        source="form",
        record="contact/1",
        retrieved_at=WHEN,
        trusted=False,
        points=0,
        says="what the lead wrote",
    )
    proposal = Proposal(
        action=Action(name="crm.contact.owner", target="contact/1", arguments={"owner": "a@b.ex"}),
        reason="it fits",
        confidence=0.9,
        data_confidence=1,
        evidence=(evidence,),
        release="r",
    )
    review = ReviewRow(
        id="R-L-1-1",
        case_id="L-1",
        workflow="lead-routing",
        nth=1,
        step="proposal-1",
        action_hash=proposal.action.hash,
        group="sales-desk",
        because="x",
        choices={"owner": ["a@b.ex"]},
        opened_at=WHEN,
        due_at=WHEN,
    )
    ruling = Ruling(right=Right.REVIEW, because="only recommends", policy_version="v")
    return as_markdown(brief_of(CONTRACT, review, proposal, ruling, "demo DE SMB"))


@pytest.mark.parametrize(
    "hostile",
    [
        "[click](https://evil.example)",
        "![x](https://evil.example/p.png)",
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "| a | b |\n|---|---|\n# heading",
        "`code` **bold** __x__",
        "javascript:alert(1)",
    ],
)
def test_hostile_text_comes_out_as_text(hostile: str) -> None:
    page = brief(hostile)

    for live in ("](", "<img", "<script", "https://evil", "\n# heading", "`code`"):
        assert live not in page


def test_what_is_not_trusted_says_so() -> None:
    assert "(untrusted text, " in brief("hello")


def test_invisible_characters_are_gone() -> None:
    assert plain("a\u200bb\u202ec\x00d") == "a b c d"


def test_a_page_stays_small() -> None:
    assert len(brief("x" * 1_000_000).encode()) <= MOST_BYTES


@given(st.text())
def test_no_text_opens_a_tag_or_a_line_of_its_own(text: str) -> None:
    seen = quoted(text)

    assert "<" not in seen
    assert "\n" not in seen
