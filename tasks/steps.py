"""
How a step is made: a box in the Prefect UI on the outside, once in the ledger on the inside.

Prefect may run a step again at any time; the ledger makes that harmless. So nothing here relies
on Prefect's cache of results.
"""

from collections.abc import Awaitable, Callable, Coroutine
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import Unavailable
from rollout.case import Case
from rollout.ledger import Fact, recall, remember

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Fact)


def step(*, retries: int = 0) -> Callable[[Callable[P, R]], Task[P, R]]:
    """
    Make a function a box in the UI. With retries: try again, after 0.5, 1, 2 ... seconds, while
    the outside system is unavailable; every try is seen there. Writes take no retries here.
    """
    return task(
        retries=retries,
        retry_delay_seconds=[0.5 * 2**n for n in range(retries)] or None,
        retry_condition_fn=_may_pass if retries else None,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def once(
    name: str, kind: type[F], *, actor: str
) -> Callable[
    [Callable[Concatenate[Case, P], Awaitable[F]]],
    Callable[Concatenate[Case, P], Coroutine[Any, Any, F]],
]:
    """Make a step store its fact under (case, name), and give the one that stands ever after."""

    def decorate(
        act: Callable[Concatenate[Case, P], Awaitable[F]],
    ) -> Callable[Concatenate[Case, P], Coroutine[Any, Any, F]]:
        async def remembered(case: Case, /, *args: P.args, **kwargs: P.kwargs) -> F:
            with transaction() as session:
                stands = recall(session, case.id, name, kind)
            if stands is not None:
                return stands
            fact = await act(case, *args, **kwargs)
            with transaction() as session:
                return remember(
                    session,
                    workflow=case.workflow,
                    case_id=case.id,
                    step=name,
                    fact=fact,
                    actor=actor,
                    at=now(),
                )

        update_wrapper(remembered, act)
        return remembered

    return decorate


async def _may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, Unavailable)
