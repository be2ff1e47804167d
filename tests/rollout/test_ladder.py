"""The amount says whose word it takes, and each person counts once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.answers import Proof
from rollout.approvals import Need, Standing, need_of, still_needed
from rollout.authority import Authority
from rollout.case import Proposal
from rollout.holes import holes
from rollout.rights import Right, rule_on
from tests.rollout.test_approvals import LADDER, REFUND, agreed, refund


@pytest.mark.parametrize(
    ("amount", "by"),
    [
        (0, ("agents",)),
        (50_00, ("agents",)),
        (50_01, ("leads",)),
        (500_00, ("leads",)),
        (500_01, ("finance", "managers")),
        (25_000_00, ("finance", "managers")),
        ("a lot", ("finance", "managers")),
        ("-5", ("finance", "managers")),
    ],
)
def test_the_amount_says_whose_word_it_takes(amount: int | str, by: tuple[str, ...]) -> None:
    need = need_of(agreed(), refund(amount))
    assert need is not None
    assert need.by == by


def test_above_the_ladder_nobody_may_approve_it() -> None:
    above = refund(25_000_01)
    proposal = Proposal(
        action=above,
        reason="x",
        confidence=1,
        data_confidence=1,
        release="r",
        decided_by="rule",
    )
    assert need_of(agreed(), above) is None
    assert rule_on(agreed(), proposal, Authority.FULL).right is Right.FORBIDDEN


def test_what_needs_a_word_is_never_the_agents_alone() -> None:
    proposal = Proposal(
        action=refund(10),
        reason="x",
        confidence=1,
        data_confidence=1,
        release="r",
        decided_by="rule",
    )
    ruling = rule_on(agreed(), proposal, Authority.FULL)
    assert (ruling.right, "it needs the word of agents" in ruling.triggers) == (Right.REVIEW, True)


def test_a_ladder_that_does_not_rise_is_a_hole() -> None:
    made = agreed()
    rule = replace(made.boundaries.write[0], ladder=LADDER[::-1])
    found = holes(replace(made, boundaries=replace(made.boundaries, write=(rule,))))
    assert f"action {REFUND}: the amounts of its ladder do not rise" in found


GROUPS = ("a", "b", "c")


@given(
    st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3),
    st.lists(st.sets(st.sampled_from(GROUPS)), max_size=4),
)
def test_each_person_counts_for_one_group(needed: list[str], people: list[set[str]]) -> None:
    given_ = [Standing(str(n), str(n), tuple(groups)) for n, groups in enumerate(people)]
    still = still_needed(Need(tuple(needed), Proof.LINK), given_)

    assert len(still) >= len(needed) - len(given_)
    assert sorted(still) == sorted(needed)[: len(still)] or set(still) <= set(needed)
    alone = still_needed(Need(tuple(needed), Proof.LINK), given_[:0])
    assert list(alone) == needed
