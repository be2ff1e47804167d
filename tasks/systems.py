"""
The outside systems of a run: open connections for each event loop, and rights to write.

A case that may write nothing is handed a token that can only read, and no writer at all; that it
also would not pass the gate is the third lock on the same door.
"""

import asyncio
import time
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from integrations.hubspot import HubSpot
from integrations.hubspot_records import Owner
from integrations.settings import settings
from rollout.case import Case
from rollout.errors import ContractBroken
from rollout.gate import may_write

OWNERS_HOLD = 60.0  #: seconds; people join and leave more slowly than leads come

_OWNERS: dict[str, tuple[float, list[Owner]]] = {}
_OPEN: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, HubSpot]] = WeakKeyDictionary()


def crm_reader() -> HubSpot:
    """Give the CRM, for reading: with the token that may do no more, if there is one."""
    known = settings()
    return _connected((known.crm_read_token.get_secret_value(), known.crm_token.get_secret_value()))


async def active_owners() -> list[Owner]:
    """Give the CRM's active users, as they were within the last minute."""
    url, moment = settings().crm_url, time.monotonic()
    known = _OWNERS.get(url)
    if known is None or moment - known[0] > OWNERS_HOLD:
        found = [owner for owner in await crm_reader().owners() if not owner.archived]
        known = _OWNERS[url] = (moment, found)
    return known[1]


def crm_writer(case: Case) -> HubSpot:
    """Give the CRM to a case that may write; raise `ContractBroken` for one that only watches."""
    if not may_write(case.placement):
        raise ContractBroken(f"{case.id} is at {case.authority} and may write nothing")
    return _connected((settings().crm_token.get_secret_value(),))


def _connected(tokens: Sequence[str]) -> HubSpot:
    """Give this loop's connection with the first token that there is."""
    known, token = settings(), next((one for one in tokens if one), "")
    here = _OPEN.setdefault(asyncio.get_running_loop(), {})
    if token not in here:
        here[token] = HubSpot.at(
            known.crm_url, token, known.http_timeout_seconds, per_second=known.crm_per_second
        )
    return here[token]
