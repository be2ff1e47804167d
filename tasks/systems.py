"""
The outside systems of a run: open connections for each event loop, and rights to write.

A case that may write nothing is handed a token that can only read, and no writer at all; that it
also would not pass the gate is the third lock on the same door. A workflow may have tokens of its
own, one for each level: then a case gets the one of its level or of a lower one, and no other.
"""

import asyncio
import time
from weakref import WeakKeyDictionary

from integrations.chat import Chat
from integrations.hubspot import HubSpot
from integrations.hubspot_records import Owner
from integrations.pace import SharedPace
from integrations.settings import READS, SettingsError, settings
from rollout.authority import Authority
from rollout.case import Case
from rollout.errors import ContractBroken
from rollout.gate import may_write

OWNERS_HOLD = 60.0  #: seconds; people join and leave more slowly than leads come

_OWNERS: dict[str, tuple[float, list[Owner]]] = {}
_OPEN: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, HubSpot]] = WeakKeyDictionary()
_MODELS: WeakKeyDictionary[asyncio.AbstractEventLoop, Chat] = WeakKeyDictionary()


def crm_reader(workflow: str = "") -> HubSpot:
    """Give the CRM, for reading, with a token that may do no more; a workflow's own, if it has."""
    known = settings()
    own = known.crm_tokens.get(workflow, {}).get(READS)
    token = (own or known.crm_read_token).get_secret_value()
    if not token:
        raise SettingsError(
            "TAXIWAY_CRM_READ_TOKEN is missing: a case that only watches is never handed a token "
            "that can write. In HubSpot, make a private app with the .read scopes alone."
        )
    return _connected(token)


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
    return _connected(_writing_token(case.workflow, case.authority))


def model() -> Chat:
    """Give this loop's connection with the model."""
    known, here = settings(), asyncio.get_running_loop()
    if here not in _MODELS:
        _MODELS[here] = Chat.at(
            known.model_url,
            known.model_key.get_secret_value(),
            known.model_timeout_seconds,
            pace=SharedPace(known.model_url, known.model_per_second),
        )
    return _MODELS[here]


def _writing_token(workflow: str, authority: Authority) -> str:
    known = settings()
    own = known.crm_tokens.get(workflow)
    if own is None:
        return known.crm_token.get_secret_value()
    able = [one for one in Authority if Authority.SHADOW.height < one.height <= authority.height]
    for level in sorted(able, key=lambda one: one.height, reverse=True):
        if token := own.get(level.value):
            return token.get_secret_value()
    raise SettingsError(
        f"TAXIWAY_CRM_TOKENS has no token with which {workflow} may write at {authority.value}"
    )


def _connected(token: str) -> HubSpot:
    """Give this loop's connection with a token."""
    known = settings()
    here = _OPEN.setdefault(asyncio.get_running_loop(), {})
    if token not in here:
        here[token] = HubSpot.at(
            known.crm_url,
            token,
            known.http_timeout_seconds,
            pace=SharedPace(known.crm_url, known.crm_per_second),
        )
    return here[token]
