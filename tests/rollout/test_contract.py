"""A contract with a hole keeps its workflow in draft, and each hole is named."""

from dataclasses import replace
from datetime import timedelta

import pytest

from flows.catalog import WORKFLOWS
from flows.contracts.lead_routing import CONTRACT
from rollout.authority import Authority
from rollout.contract import Boundaries, Contract, Handoff, Job, Owners, Target
from rollout.errors import ContractIncomplete
from rollout.holes import complete, holes


def test_every_contract_of_the_catalog_is_complete() -> None:
    assert [hole for one in WORKFLOWS for hole in holes(one.contract)] == []


def test_an_empty_contract_names_every_question() -> None:
    found = " ".join(holes(Contract(workflow="w", case_prefix="W")))

    for word in [
        "job",
        "owners",
        "exceptions",
        "rights",
        "reviews",
        "boundaries",
        "targets",
        "plan",
    ]:
        assert word in found


@pytest.mark.parametrize(
    ("change", "hole"),
    [
        ({"owners": replace(CONTRACT.owners, governance="")}, "owners: no governance owner"),
        ({"job": replace(CONTRACT.job, goal="")}, "job: no goal"),
        ({"exceptions": ()}, "exceptions: none is named"),
        ({"exceptions": (Handoff("x"),)}, "exception x: no 'otherwise'"),
        ({"exceptions": (Handoff("x", to="a", otherwise="a"),)}, "the receiver itself"),
        ({"exceptions": (CONTRACT.exceptions[0],) * 2}, "incomplete is named twice"),
        ({"escalate_below": 0.9}, "escalate_below is above act_alone_from"),
        ({"act_alone_from": 1.5}, "act_alone_from must lie between 0 and 1"),
        ({"conflict_checks": ()}, "no sources to compare"),
        ({"impact_unknown": ""}, "when the customer impact is unclear"),
        ({"review_within": None}, "reviews: no deadline"),
        ({"boundaries": Boundaries()}, "boundaries: nothing may be read"),
        ({"targets": (Target("acceptance"),)}, "needs either at_least or at_most"),
        ({"benchmark": None}, "benchmark: unknown"),
        ({"retention": timedelta()}, "how long personal data is kept"),
        ({"plan": (Authority.RECOMMEND,)}, "the first stage must be shadow"),
        ({"plan": (Authority.SHADOW, Authority.LIMITED)}, "is not one level up"),
    ],
)
def test_each_hole_is_named(change: dict[str, object], hole: str) -> None:
    contract = replace(CONTRACT, **change)  # type: ignore[arg-type] # fields by name

    assert any(hole in found for found in holes(contract))
    with pytest.raises(ContractIncomplete, match="is incomplete"):
        complete(contract)


def test_two_holes_are_both_named() -> None:
    contract = replace(CONTRACT, job=Job(), owners=Owners())

    assert len(holes(contract)) == 9


def test_the_version_is_the_content() -> None:
    assert replace(CONTRACT).version == CONTRACT.version
    assert replace(CONTRACT, act_alone_from=0.9).version != CONTRACT.version
