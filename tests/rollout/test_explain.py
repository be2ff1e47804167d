"""The five answers are read from the contract and the grant; what is missing there is a hole."""

from dataclasses import replace

import pytest

from flows.catalog import WORKFLOWS
from flows.contracts.lead_routing import CONTRACT
from rollout.authority import Authority, Grant
from rollout.contract import Contract
from rollout.explain import five_answers


def answers(contract: Contract, level: Authority) -> list[str]:
    grant = Grant(workflow=contract.workflow, authority=level)
    return [answer for _, answer in five_answers(contract, grant)]


@pytest.mark.parametrize("contract", [one.contract for one in WORKFLOWS])
def test_every_workflow_answers_all_five(contract: Contract) -> None:
    assert all(answers(contract, Authority.SHADOW))


def test_what_it_may_do_alone_is_said_with_its_budget() -> None:
    alone = answers(CONTRACT, Authority.LIMITED)[2]
    assert alone.startswith("crm.contact.owner (at most 500 an hour, 2000 a day), ")
    assert answers(CONTRACT, Authority.RECOMMEND)[2].startswith("now nothing (it is at recommend)")


def test_what_an_answer_may_cost_is_said() -> None:
    said = answers(CONTRACT, Authority.SHADOW)[4]
    assert said.endswith("an answer costs 0.10 EUR and takes 30 s at most")


@pytest.mark.parametrize(
    ("holed", "place"),
    [
        (replace(CONTRACT, owners=replace(CONTRACT.owners, business="")), 0),
        (replace(CONTRACT, act_alone_from=None), 2),
        (replace(CONTRACT, act_alone_from=None), 3),
        (replace(CONTRACT, targets=()), 4),
    ],
)
def test_a_hole_is_an_empty_answer(holed: Contract, place: int) -> None:
    assert answers(holed, Authority.SHADOW)[place] == ""
