"""What holds of the offline agent's answers, whatever it is asked."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.agents import Question, Value
from integrations.agents.lead_scorer import MOST, LeadScorer
from tests.integrations.teams import seats

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
TEAM = seats("dach-smb")


@st.composite
def questions(draw: st.DrawFn) -> Question:
    places, sizes = st.sampled_from(["DE", "FR", "JP", "", None]), st.none() | st.integers(0, 10**7)
    facts: dict[str, Value] = {
        "lead_id": "1",
        "territory": draw(st.sampled_from(["DACH SMB", None])),
        "email": draw(st.sampled_from(["a@firm.example", "a@gmail.com", "odd", "", None])),
        "company_domain": draw(st.sampled_from(["firm.example", "other.example", "", None])),
        "country": draw(places),
        "country_crm": draw(places),
        "employees_form": draw(sizes),
        "employees_crm": draw(sizes),
        "industry": draw(st.sampled_from(["software", "retail", "mining", "", None])),
        "form_type": draw(st.sampled_from(["demo", "content", "odd", None])),
        "job_title": draw(st.none() | st.text(max_size=20)),
        "message": draw(st.none() | st.text(max_size=20)),
        "company_lifecycle": draw(st.sampled_from(["lead", "customer", "opportunity", None])),
        "open_deals": draw(st.none() | st.integers(0, 3)),
    }
    chosen = draw(st.lists(st.sampled_from(TEAM), min_size=1, unique=True))
    loads = st.integers(0, 5)
    return Question(facts, tuple(replace(one, load=draw(loads)) for one in chosen), WHEN)


@given(questions())
async def test_it_proposes_only_one_of_its_choices(question: Question) -> None:
    answer = await LeadScorer().propose(question)

    assert answer.decision["owner"] in {one.owner for one in question.choices}


@given(questions())
async def test_every_point_of_its_confidence_has_its_evidence(question: Question) -> None:
    answer = await LeadScorer().propose(question)

    shown = sum(one.points for one in answer.evidence if one.trusted)
    assert answer.confidence == pytest.approx(min(MOST, max(0.0, shown)))


@given(questions())
async def test_nothing_that_is_not_trusted_carries_points(question: Question) -> None:
    answer = await LeadScorer().propose(question)

    assert {one.points for one in answer.evidence if not one.trusted} <= {0.0}


@given(questions(), st.randoms(use_true_random=False))
async def test_the_order_of_the_choices_changes_nothing(question: Question, luck: Random) -> None:
    mixed = list(question.choices)
    luck.shuffle(mixed)

    again = await LeadScorer().propose(replace(question, choices=tuple(mixed)))

    assert again == await LeadScorer().propose(question)


@given(questions())
async def test_the_score_stays_between_0_and_100(question: Question) -> None:
    assert 0 <= (await LeadScorer().propose(question)).score <= 100
