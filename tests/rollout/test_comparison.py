"""The agent's answer beside a person's: the same, as good as the same, different, harmful."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.comparison import Comparator, Comparison, Ignored, Kind, Verdict, harmful_pairs, normal
from rollout.errors import Invalid

DAY = date(2026, 11, 2)
EXACT = Comparator()
AMOUNT = Comparator(Kind.TOLERANCE, tolerance=5)
RISK = Comparator(Kind.ORDINAL, tolerance=1, scale=("low", "medium", "high", "critical"))


@pytest.mark.parametrize(
    ("how", "proposed", "human", "verdict"),
    [
        (EXACT, "Mira", "Mira", Verdict.EQUAL),
        (EXACT, "mira ", "Mira", Verdict.EQUIVALENT),
        (EXACT, "Mira  Brandt", "mira\u00a0brandt", Verdict.EQUIVALENT),
        (EXACT, "\uff2d\uff49\uff52\uff41", "Mira", Verdict.EQUIVALENT),
        (EXACT, "Jonas", "Mira", Verdict.DIFFERENT),
        (Comparator(Kind.JUDGED), "we call you", "You are called.", Verdict.DIFFERENT),
        (Comparator(Kind.JUDGED), "We call  you", "we call you", Verdict.EQUIVALENT),
        (Comparator(Kind.SET), "a; b", "B;A", Verdict.EQUIVALENT),
        (Comparator(Kind.SET), "a; b", "a", Verdict.DIFFERENT),
        (AMOUNT, "40", "44.9", Verdict.ACCEPTABLE),
        (AMOUNT, "40", "45", Verdict.ACCEPTABLE),
        (AMOUNT, "40", "45.1", Verdict.DIFFERENT),
        (AMOUNT, "1,040", "1040", Verdict.ACCEPTABLE),
        (AMOUNT, "forty", "40", Verdict.INCOMPARABLE),
        (AMOUNT, "nan", "40", Verdict.INCOMPARABLE),
        (RISK, "High", "medium", Verdict.ACCEPTABLE),
        (RISK, "critical", "medium", Verdict.DIFFERENT),
        (RISK, "unheard of", "medium", Verdict.INCOMPARABLE),
    ],
)
def test_how_two_values_relate(
    how: Comparator, proposed: str, human: str, verdict: Verdict
) -> None:
    assert how.compare(proposed, human) is verdict


def test_the_worst_field_speaks_and_a_missing_one_compares_with_nothing() -> None:
    rule = Comparison({"owner": EXACT, "amount": AMOUNT})
    worst, each = rule.compare({"owner": "A", "amount": "9"}, {"owner": "a", "amount": "40"}, DAY)
    assert (worst, each["owner"]) == (Verdict.DIFFERENT, Verdict.EQUIVALENT)
    assert rule.compare({"owner": "A"}, {"owner": "A", "amount": "1"}, DAY)[0] is (
        Verdict.INCOMPARABLE
    )


def test_a_field_is_ignored_only_until_its_day() -> None:
    ignored = {"amount": Ignored("ann", date(2026, 11, 30))}
    rule = Comparison({"owner": EXACT, "amount": AMOUNT}, ignored=ignored)
    said = {"owner": "A", "amount": "9"}, {"owner": "A", "amount": "40"}
    assert rule.compare(*said, date(2026, 11, 30))[0] is Verdict.EQUAL
    assert rule.compare(*said, date(2026, 12, 1))[0] is Verdict.DIFFERENT


def test_some_differences_do_harm() -> None:
    rule = Comparison({"answer": EXACT}, harmful=harmful_pairs(["Approve = reject"]))
    assert rule.compare({"answer": "approve"}, {"answer": "Reject"}, DAY)[0] is Verdict.HARMFUL
    assert rule.compare({"answer": "reject"}, {"answer": "approve"}, DAY)[0] is Verdict.DIFFERENT


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Comparator(Kind.TOLERANCE, tolerance=-1),
        lambda: Comparator(Kind.TOLERANCE, tolerance=float("nan")),
        lambda: Comparator(Kind.ORDINAL, scale=("one",)),
        lambda: harmful_pairs(["approve"]),
        lambda: harmful_pairs(["=reject"]),
    ],
)
def test_a_comparison_that_cannot_be_is_refused(broken: object) -> None:
    with pytest.raises(Invalid):
        broken()  # type: ignore[operator] # one of those above


@given(st.text(max_size=30), st.text(max_size=30))
def test_comparing_has_no_side(one: str, other: str) -> None:
    assert EXACT.compare(one, other) is EXACT.compare(other, one)
    assert normal(normal(one)) == normal(normal(normal(one)))
    assert EXACT.compare(one, one) is Verdict.EQUAL
