"""What ten thousand waiting reviews cost: the clock's pass, and the list."""

import os
import subprocess
import sys
import time
from datetime import timedelta

from rich.console import Console
from sqlalchemy import text

from integrations.clock import now
from integrations.database import transaction
from rollout.deadlines import pass_due
from tests.bench.rows import Row, row
from tests.bench.safety import database

WAITING = 10_000


def measure(console: Console) -> list[Row]:
    """Measure on a database of its own."""
    with database():
        _fill()
        idle = [_pass() for _ in range(10)]
        with transaction() as session:
            session.execute(
                text("update deadline set at = :then where ref like 'R-X-%00-1'"),
                {"then": now() - timedelta(seconds=1)},
            )
        some = [_pass()]
        listed = [_list() for _ in range(3)]
        console.print("the clock and the list: measured.")
    return [
        row(f"the clock's pass over {WAITING} waiting reviews, none due", idle, None),
        row("the same, 100 of them running out", some, None),
        row(f"taxiway reviews, of {WAITING}", listed, None),
    ]


def _fill() -> None:
    moment = now()
    with transaction() as session:
        session.execute(
            text(
                'insert into review (id, case_id, workflow, nth, step, action_hash, "group", '
                "because, choices, sleep, status, opened_at, due_at, edited_by, claimed_by, asked, "
                "tier, stake_minor) "
                "select 'R-X-' || n || '-1', 'X-' || n, 'w', 1, 'proposal-1', 'h', 'sales-desk', "
                "'only recommends', '{}', 1, 'open', :at, :due, '', '', '', "
                "1, 0 from generate_series(1, :many) n"
            ),
            {"at": moment, "due": moment + timedelta(hours=4), "many": WAITING},
        )
        session.execute(
            text(
                'insert into deadline (kind, ref, case_id, workflow, what, "to", at, state, told) '
                "select 'review', 'R-X-' || n || '-1', 'X-' || n, 'w', what, 'sales-desk', "
                ":due, 'ahead', '{}' from generate_series(1, :many) n, "
                "unnest(array['remind', 'remind', 'hand_on', 'run_out']) what"
            ),
            {"due": moment + timedelta(hours=4), "many": WAITING},
        )


def _pass() -> float:
    began = time.perf_counter()
    with transaction() as session:
        pass_due(session, now())
    return time.perf_counter() - began


def _list() -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "flows.doors.cli", "reviews"],
        env=os.environ,
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - began
