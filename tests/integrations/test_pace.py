"""A system is called no faster than it takes, whoever calls it."""

import asyncio
import threading
import time

from integrations.errors import Unavailable
from integrations.hubspot import HubSpot
from integrations.pace import Pace, pace_of
from integrations.sandbox.client import Sandbox
from tests.sandbox import TOKEN


async def test_ten_seconds_worth_may_come_at_once_and_then_no_faster_than_the_pace() -> None:
    pace = Pace(per_second=20)
    began = time.monotonic()
    for _ in range(200):
        await pace.turn()
    burst = time.monotonic() - began
    for _ in range(10):
        await pace.turn()

    assert burst < 0.4
    assert 0.35 < time.monotonic() - began - burst < 2


def test_lanes_share_one_bucket() -> None:
    pace, waits = Pace(per_second=50), list[float]()

    def call() -> None:
        waits.extend(pace._take() for _ in range(110))

    threads = [threading.Thread(target=call) for _ in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sum(wait == 0 for wait in waits) <= 502
    assert 0.8 < max(waits) <= 1.1


async def test_when_told_to_wait_everybody_waits() -> None:
    pace = Pace(per_second=1000)
    pace.hold(0.3)
    began = time.monotonic()
    await asyncio.gather(*(pace.turn() for _ in range(5)))

    assert time.monotonic() - began >= 0.3


def test_one_address_has_one_bucket() -> None:
    assert pace_of("http://a", 5) is pace_of("http://a", 5)
    assert pace_of("http://a", 5) is not pace_of("http://b", 5)


async def test_a_crm_with_a_limit_is_never_overrun(sandbox: Sandbox, sandbox_url: str) -> None:
    before = sandbox.requests()
    recent = sum(one["at"] > time.time() - 10 for one in before)
    sandbox.limit(60 + recent)  # what other tests have asked of it counts too
    began = len(before)
    crm = HubSpot.at(sandbox_url, TOKEN, per_second=5)
    try:
        for _ in range(55):
            await crm.read_owner_of("5")
    except Unavailable as error:
        raise AssertionError("the pace let too many through") from error
    finally:
        sandbox.limit(100_000)
        await crm.close()

    statuses = [one["status"] for one in sandbox.requests(began)]
    assert 429 not in statuses[-55:]
