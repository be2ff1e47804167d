"""A system is called no faster than it takes, whoever calls it."""

import asyncio
import subprocess
import sys
import threading
import time
from uuid import uuid4

from integrations.errors import Unavailable
from integrations.hubspot import HubSpot
from integrations.pace import OwnPace, SharedPace
from integrations.sandbox.client import Sandbox
from tests.sandbox import TOKEN


async def test_ten_seconds_worth_may_come_at_once_and_then_no_faster_than_the_pace() -> None:
    pace = OwnPace(20)
    began = time.monotonic()
    for _ in range(200):
        await pace.turn()
    burst = time.monotonic() - began
    for _ in range(10):
        await pace.turn()

    assert burst < 0.4
    assert 0.35 < time.monotonic() - began - burst < 2


def test_lanes_share_one_bucket() -> None:
    pace, waits = OwnPace(50), list[float]()

    def call() -> None:
        waits.extend(pace.take() for _ in range(110))

    threads = [threading.Thread(target=call) for _ in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sum(wait == 0 for wait in waits) <= 502
    assert 0.8 < max(waits) <= 1.1


async def test_when_told_to_wait_everybody_waits() -> None:
    pace = OwnPace()
    pace.hold(0.3)
    began = time.monotonic()
    await asyncio.gather(*(pace.turn() for _ in range(5)))

    assert time.monotonic() - began >= 0.3


def test_processes_share_one_bucket_and_one_hold(database: str) -> None:
    del database
    system = f"http://{uuid4().hex}"
    takes = (
        "from integrations.pace import SharedPace\n"
        f"pace = SharedPace({system!r}, 5)\n"
        "print(*[pace.take() for _ in range(40)])"
    )
    began = time.monotonic()
    ours = [
        subprocess.Popen([sys.executable, "-c", takes], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    waits = [float(word) for one in ours for word in one.communicate(timeout=60)[0].split()]
    lasted = time.monotonic() - began
    SharedPace(system, 5).hold(90)

    assert len(waits) == 160
    assert sum(wait == 0 for wait in waits) <= 50 + 5 * lasted  # four of their own: all 160
    assert SharedPace(system, 5).take() > 85
    assert SharedPace(f"{system}.another", 5).take() == 0


async def test_a_crm_with_a_limit_is_never_overrun(sandbox: Sandbox, sandbox_url: str) -> None:
    before = sandbox.requests()
    recent = sum(one["at"] > time.time() - 10 for one in before)
    sandbox.limit(60 + recent)  # what other tests have asked of it counts too
    began = len(before)
    crm = HubSpot.at(sandbox_url, TOKEN, pace=OwnPace(5))
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
