"""Who decides, told as the governance lead would ask."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.contracts.lead_routing import CONTRACT
from rollout.authority import Authority, lower_of
from rollout.case import Action, Proposal
from rollout.contract import Boundaries, Impact
from rollout.rights import Right, rule_on

PROPOSALS = st.builds(
    Proposal,
    action=st.builds(
        Action,
        name=st.sampled_from(["crm.contact.owner", "crm.task", "crm.contact.delete"]),
        target=st.just("contact/1"),
        arguments=st.just({"owner": "a@b.example"}),
        impacts=st.frozensets(st.sampled_from(Impact)),
    ),
    reason=st.just("it fits"),
    confidence=st.floats(0, 1),
    data_confidence=st.floats(0, 1),
    calibrated_on=st.integers(0, 300),
    conflicts=st.lists(st.just("form 1, CRM 2"), max_size=1).map(tuple),
    unclear=st.lists(st.just("unknown"), max_size=1).map(tuple),
    release=st.just("r"),
)
LEVELS = st.sampled_from(Authority)


def sure(**changes: object) -> Proposal:
    action = Action(
        name="crm.contact.owner", target="contact/1", arguments={"owner": "a@b.example"}
    )
    fields: dict[str, object] = {
        "action": action,
        "reason": "it fits",
        "confidence": 0.95,
        "data_confidence": 1.0,
        "calibrated_on": 240,
        "release": "r",
        **changes,
    }
    return Proposal.model_validate(fields)


def test_a_sure_agent_acts_alone_where_it_may() -> None:
    assert rule_on(CONTRACT, sure(), Authority.LIMITED).right is Right.ACT


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"conflicts": ("employees: form 1, CRM 900",)}, "sources disagree"),
        ({"confidence": 0.49}, "confidence is only 49%"),
        ({"data_confidence": 0.4}, "confidence is only 40%"),
        ({"unclear": ("a customer that nobody owns",)}, "impact is unclear"),
    ],
    ids=["conflict", "low confidence", "thin data", "unclear impact"],
)
def test_each_of_the_three_triggers_takes_the_case_from_the_agent(
    change: dict[str, object], word: str
) -> None:
    ruling = rule_on(CONTRACT, sure(**change), Authority.FULL)

    assert ruling.right is Right.ESCALATE
    assert word in ruling.because


@pytest.mark.parametrize(("confidence", "right"), [(0.84, Right.REVIEW), (0.85, Right.ACT)])
def test_the_bar_itself_is_enough(confidence: float, right: Right) -> None:
    assert rule_on(CONTRACT, sure(confidence=confidence), Authority.FULL).right is right


def test_confidence_decides_nothing_before_it_is_calibrated() -> None:
    ruling = rule_on(CONTRACT, sure(calibrated_on=99), Authority.FULL)

    assert ruling.right is Right.REVIEW
    assert "99 labelled cases" in ruling.because


def test_every_trigger_is_kept_for_the_reviewer() -> None:
    ruling = rule_on(CONTRACT, sure(conflicts=("x",), confidence=0.2), Authority.RECOMMEND)

    assert len(ruling.triggers) == 4


def test_shadow_says_what_it_would_have_been() -> None:
    ruling = rule_on(CONTRACT, sure(confidence=0.2), Authority.SHADOW)

    assert (ruling.right, ruling.would_be) == (Right.WATCH, Right.ESCALATE)


def test_what_cannot_be_undone_is_never_the_agents() -> None:
    rules = tuple(replace(rule, reversible=False) for rule in CONTRACT.boundaries.write)
    contract = replace(CONTRACT, boundaries=Boundaries(write=rules))

    assert rule_on(contract, sure(), Authority.FULL).right is Right.REVIEW


@given(PROPOSALS, LEVELS)
def test_an_action_with_an_impact_is_never_the_agents(proposal: Proposal, level: Authority) -> None:
    if proposal.action.impacts:
        assert rule_on(CONTRACT, proposal, level).right is not Right.ACT


@given(PROPOSALS, LEVELS)
def test_what_the_contract_does_not_name_is_forbidden(proposal: Proposal, level: Authority) -> None:
    forbidden = rule_on(CONTRACT, proposal, level).right is Right.FORBIDDEN

    assert forbidden == (proposal.action.name == "crm.contact.delete")


@given(PROPOSALS)
def test_below_limited_the_agent_never_acts(proposal: Proposal) -> None:
    for level in (Authority.OFF, Authority.SHADOW, Authority.RECOMMEND):
        assert rule_on(CONTRACT, proposal, level).right is not Right.ACT


@given(LEVELS, LEVELS)
def test_of_two_levels_the_more_restrictive_counts(a: Authority, b: Authority) -> None:
    assert lower_of(a, b).height == min(a.height, b.height)
