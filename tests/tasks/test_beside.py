"""Two models on one lead: one answers, the other watches beside it, and a sample is asked twice."""

import json
from collections.abc import Sequence
from itertools import count

import pytest
from sqlalchemy import text
from sqlmodel import select

from flows.contracts.lead_routing import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from rollout.ahead import look_ahead
from rollout.case import Case, Proposal, close_row
from rollout.case import Ending as End
from rollout.gates import Policy
from rollout.lead_routing import Lead
from rollout.ledger import Entry, recall
from rollout.noise import is_asked_again, noise_of
from rollout.shadow import HumanDecision, rival_step, take_human_decision
from tasks.lead_agent import lead_agents
from tasks.lead_beside import ask_beside
from tasks.lead_routing import owner_choices, propose_owner
from tests.sandbox import TOKEN
from tests.tasks.leads import GOOD, opened, sample_world

__all__ = ["sample_world"]  # a fixture

NAME = CONTRACT.workflow


@pytest.fixture
def two_models(sample_world: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A model that answers, and a challenger."""
    for name, value in {
        "MODEL_URL": f"{settings().crm_url}/v1",
        "MODEL_KEY": TOKEN,
        "MODEL_NAME": "the-first",
        "CHALLENGER_NAME": "the-second",
        "MODEL_PRICE_IN": "40",
        "MODEL_PRICE_OUT": "160",
    }.items():
        monkeypatch.setenv(f"TAXIWAY_{name}", value)
    settings.cache_clear()
    return sample_world


def says(sandbox: Sandbox, lead: Lead, owners: Sequence[int]) -> None:
    """Script whom the model chooses, one answer after another, by place among the choices."""
    known = owner_choices(lead)["owner"]
    for place in owners:
        words = {"owner": known[place], "confidence": 0.8, "rests_on": ["industry"]}
        sandbox.answer(content=json.dumps({**words, "reason": "It fits."}))


def stored(case: Case, step: str) -> Proposal | None:
    with transaction() as session:
        return recall(session, case.id, step, Proposal)


def owner(found: Proposal | None) -> str:
    return found.action.arguments["owner"] if found else ""


async def test_a_challenger_answers_beside_and_is_judged_on_the_same_case(
    two_models: Sandbox,
) -> None:
    case, lead = await opened(GOOD[0])
    first, second = (one.release for one in lead_agents())
    says(two_models, lead, [0, 1])
    acts = await propose_owner.fn(case, lead)
    assert await ask_beside.fn(case, lead) == 1
    beside = stored(case, rival_step(second.id))

    known = owner_choices(lead)["owner"]
    assert (acts.release, owner(acts)) == (first.id, known[0])
    assert beside is not None
    assert (beside.release, owner(beside)) == (second.id, known[1])
    assert await ask_beside.fn(case, lead) == 1  # a run that starts again asks nobody again
    models = [one["content"]["model"] for one in asked(two_models)]
    assert models[-2:] == ["the-first", "the-second"]

    with transaction() as session:
        close_row(session, case.id, End.WATCHED, "x", now())
        said = HumanDecision(answer={"owner": known[1]}, by="karim", at=now(), source="csv")
        take_human_decision(session, CONTRACT, case.id, said, now())
    with transaction() as session:
        ahead = {
            release: {
                one.gate: one
                for one in look_ahead(session, CONTRACT, Policy(), now(), release).gates
            }
            for release in (first.id, second.id)
        }
    assert (ahead[first.id]["agreement"].value, ahead[second.id]["agreement"].value) == (0, 1)
    assert ahead[second.id]["coverage"].because.startswith("it answered 1 of 1")


def asked(sandbox: Sandbox) -> list[dict[str, dict[str, str]]]:
    return [one for one in sandbox.requests() if one["path"].endswith("/chat/completions")]


async def test_what_goes_wrong_beside_is_the_challengers_alone(two_models: Sandbox) -> None:
    case, lead = await opened(GOOD[1])
    says(two_models, lead, [0])
    acts = await propose_owner.fn(case, lead)
    for _ in range(2):
        two_models.answer(content="it is somebody")

    assert await ask_beside.fn(case, lead) == 0
    assert stored(case, rival_step(lead_agents()[1].release.id)) is None
    assert stored(case, "proposal-1") == acts


async def test_a_case_of_the_sample_is_asked_about_twice(two_models: Sandbox) -> None:
    with transaction() as session:
        number = next(n for n in count(5_000) if is_asked_again(NAME, f"L-{n}"))
        session.execute(text(f"select setval('case_number', {number - 1})"))
    case, lead = await opened(GOOD[2])
    says(two_models, lead, [0, 0, 1])  # the first, its challenger, and the first again
    acts = await propose_owner.fn(case, lead)
    for _ in range(2):
        await ask_beside.fn(case, lead)

    assert owner(acts) != owner(stored(case, "again-1"))
    with transaction() as session:
        assert noise_of(session, NAME, [acts.release], now()) == (1, 0)
        steps = session.exec(select(Entry.step).where(Entry.case_id == case.id)).all()
    assert steps.count("again-1") == 1


async def test_a_case_that_is_not_of_the_sample_is_asked_about_once(two_models: Sandbox) -> None:
    with transaction() as session:
        number = next(n for n in count(5_000) if not is_asked_again(NAME, f"L-{n}"))
        session.execute(text(f"select setval('case_number', {number - 1})"))
    case, lead = await opened(GOOD[3])
    await propose_owner.fn(case, lead)
    await ask_beside.fn(case, lead)

    assert stored(case, "again-1") is None
