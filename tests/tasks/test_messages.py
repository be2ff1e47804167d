"""A message is sent at most once; where nobody can tell whether it arrived, a person is asked."""

from dataclasses import replace
from uuid import uuid4

import pytest

from integrations.clock import now
from integrations.database import transaction
from integrations.sandbox.client import Sandbox
from integrations.settings import settings
from integrations.slack import Slack
from rollout.authority import Authority
from rollout.case import Case
from rollout.contract import ActionRule, Safety
from rollout.effects import Basis, State
from rollout.grants import change
from tasks.effects import send
from tasks.messages import SLACK, post
from tests.rollout.trial import a_case, contract
from tests.tasks.test_effects import quickly

__all__ = ["quickly"]  # a fixture


@pytest.fixture
def case(database: str) -> Case:
    """A case whose workflow may recommend, and tell people by a channel."""
    del database
    settings.cache_clear()
    rule = ActionRule(name=SLACK, safety=Safety.NONE, measure="messages that nobody needed")
    base = contract()
    agreed = replace(base, boundaries=replace(base.boundaries, write=(rule,)))
    with transaction() as session:
        for level in (Authority.SHADOW, Authority.RECOMMEND):
            change(session, agreed, level, by="a test", because="here", now=now())
        return a_case(session, agreed, Authority.RECOMMEND)


@pytest.mark.parametrize(
    ("do", "ends", "posted"),
    [
        ("delay", State.DONE, 1),
        ("reset_after_apply", State.UNKNOWN, 1),
        ("reset_before_apply", State.UNKNOWN, 0),
        ("status_after_apply", State.UNKNOWN, 1),
    ],
)
async def test_a_post_leaves_once_and_what_is_not_known_goes_to_a_person(
    case: Case, channel: Slack, sandbox: Sandbox, do: str, ends: State, posted: int
) -> None:
    word = uuid4().hex
    sandbox.fault(do=do, method="POST", path="/services/", status=500)
    write = post(channel, step="told", text=f"{word} waits for you", basis=Basis.HANDOFF)
    first = await send(case, write)
    again = await send(case, write)

    assert first == again
    assert first.state is ends
    arrived = [one for one in sandbox.requests() if word in str(one["content"])]
    assert (len(arrived), sum(one["applied"] for one in arrived)) == (1, posted)


async def test_a_case_in_shadow_tells_nobody(case: Case, channel: Slack, sandbox: Sandbox) -> None:
    assert case.placement is not None
    lower = case.placement.model_copy(update={"authority": Authority.SHADOW})
    before = len(sandbox.requests())
    write = post(channel, step="told", text="hello", basis=Basis.HANDOFF)
    sent = await send(replace(case, placement=lower), write)

    assert (sent.state, len(sandbox.requests())) == (State.REFUSED, before)
