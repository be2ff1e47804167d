"""A model routes leads: it chooses from the list, rests on our facts, and pays for each call."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from integrations.agents import AgentFailed, Question
from integrations.agents.lead_model import MOST_TOKENS, LeadModel, Prices
from integrations.chat import Chat
from integrations.sandbox.client import Sandbox
from tests.integrations.test_lead_scorer import CLEAR, TEAM, WHEN
from tests.sandbox import TOKEN

PRICES = Prices(tokens_in=40, tokens_out=160)  # minor units for a million
QUESTION = Question(CLEAR, TEAM, WHEN)
LAST = TEAM[-1].owner


@dataclass
class Jar:
    """A purse that holds so much, and remembers what became of each call."""

    holds: int = 10**9
    taken: dict[str, int] = field(default_factory=dict)
    settled: dict[str, int] = field(default_factory=dict)

    def take(self, most: int) -> str:
        if sum(self.taken.values()) + most > self.holds:
            raise AgentFailed("the jar is empty")
        call = f"call-{len(self.taken) + 1}"
        self.taken[call] = most
        return call

    def settle(self, call: str, cost: int) -> None:
        self.settled[call] = cost


@pytest.fixture
async def agent(sandbox: Sandbox, sandbox_url: str) -> AsyncIterator[LeadModel]:
    del sandbox
    chat = Chat.at(f"{sandbox_url}/v1", TOKEN, timeout=5)
    yield LeadModel(chat, "a-model", PRICES)
    await chat.close()


def said(**other: object) -> str:
    words = {"owner": LAST, "confidence": 0.8, "rests_on": ["industry"], "reason": "It fits."}
    return json.dumps({**words, **other})


def asked(sandbox: Sandbox, since: int = 0) -> list[dict[str, object]]:
    """Give what reached the model."""
    return [
        one["content"]
        for one in sandbox.requests(since)
        if one["path"].endswith("/chat/completions")
    ]


async def test_its_choice_is_the_answer_and_the_facts_stay_ours(
    agent: LeadModel, sandbox: Sandbox
) -> None:
    rests = ["industry", "message", "job_title", "nonsense", "email"]
    sandbox.answer(content=said(rests_on=rests))
    question = replace(QUESTION, facts={**CLEAR, "job_title": "CEO", "message": "Hi there"})
    answer = await agent.propose(question, Jar())

    assert answer.decision == {"owner": LAST}
    assert (answer.confidence, answer.reason) == (0.8, "It fits.")
    seen = {(one.field, one.value, one.trusted) for one in answer.evidence}
    assert seen == {
        ("industry", CLEAR["industry"], True),
        ("job_title", "CEO", False),
        ("message", "Hi there", False),
    }


async def test_with_nothing_of_ours_to_rest_on_its_confidence_is_none(
    agent: LeadModel, sandbox: Sandbox
) -> None:
    sandbox.answer(content=said(rests_on=["job_title"], confidence=1))
    question = replace(QUESTION, facts={**CLEAR, "job_title": "CEO"})
    assert (await agent.propose(question, Jar())).confidence == 0


async def test_a_conflict_that_it_overlooks_is_still_one(agent: LeadModel) -> None:
    question = replace(QUESTION, facts={**CLEAR, "employees_form": 50, "employees_crm": 5000})
    assert (await agent.propose(question, Jar())).conflicts == ("employees: form 50, CRM 5000",)


async def test_it_gets_no_name_and_no_address_of_the_lead(
    agent: LeadModel, sandbox: Sandbox
) -> None:
    before = len(sandbox.requests())
    question = replace(QUESTION, facts={**CLEAR, "email": "zoe@pine.example", "first_name": "Zoe"})
    await agent.propose(question, Jar())
    (request,) = asked(sandbox, before)

    assert "zoe" not in json.dumps(request).lower()
    assert "manufacturing" in json.dumps(request)


@pytest.mark.parametrize(
    "content",
    [
        *("", "I think Mira.", "[]", "null", '{"owner": "mira'),
        *(said(owner="ceo@taxi.example"), said(confidence=1.5), said(confidence="high")),
        *(said(also="more"), said(reason=""), said(reason="x" * 20_000)),
        said(confidence=float("nan")),
    ],
)
async def test_what_is_no_answer_may_be_mended_once(
    agent: LeadModel, sandbox: Sandbox, content: str
) -> None:
    before, jar = len(sandbox.requests()), Jar()
    sandbox.answer(content=content)
    sandbox.answer(content=said())
    answer = await agent.propose(QUESTION, jar)
    assert answer.decision == {"owner": LAST}
    assert answer.cost.calls == len(jar.settled) == 2

    sandbox.answer(content=content)
    sandbox.answer(content=content)
    with pytest.raises(AgentFailed, match="no usable answer"):
        await agent.propose(QUESTION, jar)
    assert len(asked(sandbox, before)) == 4


async def test_an_answer_that_was_cut_off_is_none(agent: LeadModel, sandbox: Sandbox) -> None:
    sandbox.answer(content=said(), finish_reason="length")
    sandbox.answer(content=said(), finish_reason="length")
    with pytest.raises(AgentFailed, match="too long"):
        await agent.propose(QUESTION, Jar())


async def test_every_call_is_paid_and_none_costs_more_than_was_taken(
    agent: LeadModel, sandbox: Sandbox
) -> None:
    jar = Jar()
    sandbox.answer(content="no")
    sandbox.answer(content=said(), completion_tokens=MOST_TOKENS)
    cost = (await agent.propose(QUESTION, jar)).cost

    assert cost.amount_millis == sum(jar.settled.values())
    assert all(jar.settled[call] <= most for call, most in jar.taken.items())
    assert cost.amount_millis >= PRICES.of(cost.tokens_in, cost.tokens_out)
    assert MOST_TOKENS <= cost.tokens_out < MOST_TOKENS + 5


async def test_an_empty_purse_stops_before_the_call(agent: LeadModel, sandbox: Sandbox) -> None:
    before = len(sandbox.requests())
    with pytest.raises(AgentFailed, match="the jar is empty"):
        await agent.propose(QUESTION, Jar(holds=0))
    assert asked(sandbox, before) == []


@pytest.mark.parametrize(
    ("fault", "says", "settled"),
    [
        ({"do": "reset_after_apply"}, "unavailable", None),
        ({"do": "truncate"}, "cut off", None),
        ({"do": "status", "status": 500}, "it answered 500", None),
        ({"do": "status", "status": 401}, "refused with 401", 0),
    ],
)
async def test_a_call_without_an_answer_counts_in_full_unless_it_was_refused(
    agent: LeadModel,
    sandbox: Sandbox,
    fault: dict[str, object],
    says: str,
    settled: int | None,
) -> None:
    jar = Jar()
    sandbox.fault(method="POST", path="/chat/completions$", **fault)
    with pytest.raises(AgentFailed, match=says):
        await agent.propose(QUESTION, jar)
    assert jar.settled.get("call-1") == settled


def test_another_model_is_another_release() -> None:
    chat = Chat.at("http://127.0.0.1:9", "")
    one, other = (LeadModel(chat, name, PRICES).release for name in ("a", "b"))
    assert one.id != other.id
    assert one.calibrated_on == 0
