"""
Sending a write: the protocol that `rollout.effects` describes, around one HTTP call.

    intend -> look at the target -> gate -> send the stored bytes -> note the answer

No HTTP happens inside a transaction. What was sent and not answered is settled by the way that
the contract declares, never by sending blindly again. Whoever settles it waits first until nobody
can be sending it any more, by a clock that only runs: a machine's time of day may jump.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from integrations.clock import now
from integrations.database import transaction
from integrations.errors import Refused, Stale, Unavailable
from integrations.settings import settings
from rollout.case import Case
from rollout.contract import Contract, Safety
from rollout.decisions import Decision
from rollout.effects import (
    Basis,
    EffectRow,
    Intent,
    Request,
    Sent,
    State,
    end,
    intend,
    standing,
    take_back,
)
from rollout.errors import ContractBroken
from rollout.gate import pass_gate
from rollout.ledger import remember
from rollout.restoration import restored_after
from tasks.halts import heed_flags

MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class Write:
    """An intent, and the ways to its system."""

    intent: Intent
    push: Callable[[Request], Awaitable[str]]  #: sends it; gives the record's id
    look: Callable[[], Awaitable[Mapping[str, str | None]]]  #: reads the target's values
    find: Callable[[], Awaitable[str | None]] | None = None  #: looks for what was created
    safety: Safety | None = None  #: its own, where the action's is another's


def word_of(decision: Decision | None) -> Basis:
    """Say on whose word an effect runs: a person's where there is a decision."""
    return Basis.AGENT if decision is None else Basis.DECISION


async def send(case: Case, write: Write) -> Sent:
    """Make a write happen once; give what became of it, today or on the first run."""
    rule = case.contract.action(write.intent.action.name)
    if rule is None:
        raise ContractBroken(f"{case.workflow} may not write {write.intent.action.name}")
    with transaction() as session:
        lost = restored_after(session, case.inbox_id)
        effect = intend(session, case, write.intent, now(), lost_at=lost.at if lost else None)
    seen: dict[int, float] = {}  #: since when we know of each attempt
    while not effect.is_final and effect.attempt < MOST_ATTEMPTS:
        if effect.state == State.SENT:
            since = seen.setdefault(effect.fence, time.monotonic())
            await _settle(case.contract, write.safety or rule.safety, write, effect, since)
        else:
            await _attempt(case.contract, write, effect)
        with transaction() as session:
            effect = standing(session, case, write.intent.step)
    if not effect.is_final:
        raise Unavailable(
            effect.target, f"{effect.attempt} attempts without an answer; the write is uncertain"
        )
    return _remembered(case, effect)


async def _attempt(
    contract: Contract, write: Write, effect: EffectRow, *, uncertain: bool = False
) -> None:
    noted = dict(await write.look())
    if noted and noted == effect.changes:
        _end(effect, State.DONE, "it was so already")
        return
    until = time.monotonic() + settings().lease_seconds
    with transaction() as session:
        heed_flags(session)
        passed = pass_gate(
            session,
            effect,
            contract=contract,
            noted=noted,
            now=now(),
            lease=timedelta(seconds=settings().lease_seconds),
            uncertain=uncertain,
        )
    if isinstance(passed, str):
        return
    effect.fence = passed
    try:
        remote = await _push(write, effect, until)
    except Stale as no:
        _end(effect, State.UNKNOWN if uncertain else State.REFUSED, str(no))
    except Refused as no:
        _end(effect, State.UNKNOWN if uncertain else State.FAILED, str(no))
    except Unavailable as later:
        if later.never_sent:
            if not uncertain:
                _ready_again(effect)
            await asyncio.sleep(min(8, 0.5 * 2**effect.attempt))
    else:
        _end(effect, State.DONE, "accepted", remote)


async def _push(write: Write, effect: EffectRow, until: float) -> str:
    """Send the stored bytes while the lease holds: afterwards somebody else may be at it."""
    request = Request(method=effect.method, path=effect.path, body=effect.body, key=effect.key)
    left = until - time.monotonic()
    if left <= 0:
        raise Unavailable(effect.target, "its turn was over before it left", sent=False)
    try:
        async with asyncio.timeout(left):
            return await write.push(request)
    except TimeoutError:
        raise Unavailable(effect.target, f"no answer within {left:.0f} s") from None


async def _settle(
    contract: Contract, safety: Safety, write: Write, effect: EffectRow, since: float
) -> None:
    """Find out what became of a write that was sent and not answered."""
    await _until(since + settings().lease_seconds)
    match safety:
        case Safety.SET:
            await _settle_by_value(write, effect)
        case Safety.SEARCH:
            await _until(since + settings().search_quarantine_seconds)
            await _settle_by_search(write, effect)
        case Safety.NATIVE_KEY | Safety.UPSERT:
            await _attempt(contract, write, effect, uncertain=True)
        case Safety.NONE:
            _end(effect, State.UNKNOWN, "uncertain whether it arrived: a person must look")


async def _settle_by_value(write: Write, effect: EffectRow) -> None:
    values = dict(await write.look())
    if values == effect.changes:
        _end(effect, State.DONE, "found to have arrived", effect.target.rpartition("/")[2])
    else:
        _ready_again(effect)  # the gate compares with the expected values again


async def _settle_by_search(write: Write, effect: EffectRow) -> None:
    if write.find is None:
        raise ContractBroken(f"{effect.action} is declared searchable, and nothing searches")
    found = await write.find()
    if found is None:
        _ready_again(effect)
    else:
        _end(effect, State.DONE, "found to have arrived", found)


async def _until(moment: float) -> None:
    """Sleep until a moment of the monotonic clock."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


def _ready_again(effect: EffectRow) -> None:
    with transaction() as session:
        take_back(session, effect)


def _end(effect: EffectRow, state: State, because: str, remote: str | None = None) -> None:
    with transaction() as session:
        end(session, effect, state, because=because, now=now(), remote_id=remote)


def _remembered(case: Case, effect: EffectRow) -> Sent:
    with transaction() as session:
        return remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step=f"effect:{effect.step}",
            fact=Sent(
                step=effect.step,
                action=effect.action,
                target=effect.target,
                state=State(effect.state),
                because=effect.because,
                remote_id=effect.remote_id,
                attempts=effect.attempt,
                basis=Basis(effect.basis),
                key=effect.key,
            ),
            actor="taxiway",
            at=now(),
        )
