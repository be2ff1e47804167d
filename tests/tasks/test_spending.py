"""What an agent may cost holds on the real path: contract, database, a model over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from integrations.agents import AgentFailed, Question
from integrations.agents.lead_model import LeadModel
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from rollout.budgets import MILLIS, budgets
from rollout.case import Case
from tasks.lead_agent import lead_agents
from tasks.spending import CasePurse
from tests.integrations.test_lead_scorer import CLEAR, TEAM, WHEN
from tests.rollout.trial import a_case, contract
from tests.sandbox import TOKEN

QUESTION = Question(CLEAR, TEAM, WHEN)


@pytest.fixture
async def model(
    database: str, sandbox: Sandbox, sandbox_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Sandbox]:
    """A model that costs 10.00 for a thousand tokens, either way."""
    del database
    for name, value in {
        "URL": f"{sandbox_url}/v1",
        "KEY": TOKEN,
        "NAME": "a-model",
        "PRICE_IN": "1000000",
        "PRICE_OUT": "1000000",
    }.items():
        monkeypatch.setenv(f"TAXIWAY_MODEL_{name}", value)
    settings.cache_clear()
    yield sandbox
    settings.cache_clear()


def a_case_with(per_case: int, per_day: int) -> Case:
    agreed = replace(contract(), budget_minor_per_case=per_case, budget_minor_per_day=per_day)
    with transaction() as session:
        return a_case(session, agreed)


def calls(model: Sandbox, since: int) -> int:
    return sum(one["path"].endswith("/completions") for one in model.requests(since))


def spent(case: Case) -> dict[str, int]:
    """Give what is gone of the case's and of the day's money, in minor units rounded down."""
    with transaction() as session:
        found = budgets(session)
    names = {f"{case.id}/model": "case"}
    return {
        names.get(one.scope, "day"): one.taken // MILLIS
        for one in found
        if one.scope.startswith((f"{case.id}/", f"{case.workflow}/"))
    }


async def test_what_a_call_cost_is_gone_from_both_caps(model: Sandbox) -> None:
    case = a_case_with(per_case=10_000_00, per_day=10_000_00)
    agent = lead_agents()[0]
    assert isinstance(agent, LeadModel)
    cost = (await agent.propose(QUESTION, CasePurse(case))).cost

    assert cost.amount_millis > 0
    assert spent(case) == dict.fromkeys(("case", "day"), cost.amount_millis // MILLIS)
    assert calls(model, 0) > 0


@pytest.mark.parametrize(
    ("per_case", "per_day", "whose"), [(0, 10_000_00, "T-"), (10_000_00, 0, "trial-")]
)
async def test_a_budget_of_zero_stops_before_the_call(
    model: Sandbox, per_case: int, per_day: int, whose: str
) -> None:
    before = len(model.requests())
    case = a_case_with(per_case, per_day)
    with pytest.raises(AgentFailed, match=f"^{whose}.* has a budget of 0.00"):
        await lead_agents()[0].propose(QUESTION, CasePurse(case))

    assert calls(model, before) == 0
    assert set(spent(case).values()) <= {0}


async def test_cases_side_by_side_never_pass_the_days_cap(model: Sandbox) -> None:
    first = a_case_with(per_case=10_000_00, per_day=60_00)
    with transaction() as session:
        cases = [first, *(a_case(session, first.contract) for _ in range(19))]
    agent, before = lead_agents()[0], len(model.requests())
    answers = await asyncio.gather(
        *(agent.propose(QUESTION, CasePurse(one)) for one in cases), return_exceptions=True
    )
    failed = [one for one in answers if isinstance(one, AgentFailed)]

    assert 0 < len(failed) < 20
    assert calls(model, before) == 20 - len(failed)
    assert spent(first)["day"] <= 60_00
