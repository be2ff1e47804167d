"""
The outside systems of a run: one open connection for each event loop, and rights to write.

A case that may write nothing is not handed a writer at all; that it also would not pass the
gate is the second lock on the same door.
"""

import asyncio
from weakref import WeakKeyDictionary

from integrations.hubspot import HubSpot
from integrations.settings import settings
from rollout.case import Case
from rollout.errors import ContractBroken
from rollout.gate import may_write

_OPEN: WeakKeyDictionary[asyncio.AbstractEventLoop, HubSpot] = WeakKeyDictionary()


def crm_reader() -> HubSpot:
    """Give the CRM, for reading."""
    loop = asyncio.get_running_loop()
    if loop not in _OPEN:
        known = settings()
        _OPEN[loop] = HubSpot.at(
            known.crm_url, known.crm_token.get_secret_value(), known.http_timeout_seconds
        )
    return _OPEN[loop]


def crm_writer(case: Case) -> HubSpot:
    """Give the CRM to a case that may write; raise `ContractBroken` for one that only watches."""
    if not may_write(case.placement):
        raise ContractBroken(f"{case.id} is at {case.authority} and may write nothing")
    return crm_reader()
