"""What every agent owes: an answer that can be, and a release that says what answered."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from integrations.agents import AgentFailed, Answer, Evidence, Release

SEEN = Evidence(
    field="industry",
    value="software",
    source="roster",
    record="contact/1",
    retrieved_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
    trusted=True,
    points=0.2,
    says="one person fits best",
)


def answer(*evidence: Evidence, confidence: float = 1.0, data_confidence: float = 1.0) -> Answer:
    return Answer({"owner": "a@x.example"}, "fits", confidence, data_confidence, evidence)


def test_confidence_with_evidence_counts() -> None:
    assert answer(SEEN).confidence == 1.0


def test_confidence_without_evidence_counts_as_nothing() -> None:
    assert answer().confidence == 0


def test_confidence_that_rests_on_the_leads_own_words_counts_as_nothing() -> None:
    assert answer(replace(SEEN, trusted=False)).confidence == 0


@pytest.mark.parametrize("value", [math.nan, -0.1, 1.1, math.inf])
def test_a_confidence_that_cannot_be_is_refused(value: float) -> None:
    with pytest.raises(AgentFailed, match=r"^confidence is"):
        answer(SEEN, confidence=value)


@pytest.mark.parametrize("value", [math.nan, -0.1, 1.1, math.inf])
def test_a_confidence_in_the_facts_that_cannot_be_is_refused(value: float) -> None:
    with pytest.raises(AgentFailed, match=r"^data_confidence is"):
        answer(SEEN, data_confidence=value)


def test_the_order_of_its_parameters_makes_no_other_release() -> None:
    one = Release("a", "1", parameters={"x": 1, "y": 2})

    assert Release("a", "1", parameters={"y": 2, "x": 1}).id == one.id


@pytest.mark.parametrize(
    "other",
    [
        Release("b", "1"),
        Release("a", "2"),
        Release("a", "1", model="m"),
        Release("a", "1", parameters={"x": 1}),
        Release("a", "1", calibrated_on=1),
    ],
    ids=["name", "version", "model", "parameters", "calibration"],
)
def test_any_other_part_makes_another_release(other: Release) -> None:
    assert other.id != Release("a", "1").id
