"""
What rules of promotion and demotion do, by simulation, and what evidence costs.

The table is that of the design: 4 000 agents, 30 cases a week, a look after each of 26 weeks, a
bar of 90 %. A point estimate promotes nine of ten agents that are only at the bar.
"""

import math
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sqlalchemy import text

from flows.contracts.lead_routing import CONTRACT
from integrations.clock import now
from integrations.database import transaction
from rollout.ahead import look_ahead
from rollout.authority import Authority
from rollout.buckets import bucket
from rollout.evidence import ECusum, log_e_beta_binomial, log_e_paired, wilson_interval
from rollout.gates import Policy
from rollout.grants import change
from rollout.live import live
from rollout.monitors import alarms
from rollout.replay import Past, replay
from rollout.shadow_gates import shadow_gates
from rollout.tallies import tally_of
from tests.bench.rows import Row, row
from tests.bench.safety import database

RUNS, WEEK, LOOKS, BAR = 4_000, 30, 26, 0.90
#: (rule, true share): what the design's own simulation gave.
DESIGNED = {
    ("point estimate", 0.88): 0.589,
    ("point estimate", 0.90): 0.903,
    ("point estimate", 0.95): 1.0,
    ("Wilson's bound", 0.88): 0.054,
    ("Wilson's bound", 0.90): 0.234,
    ("Wilson's bound", 0.95): 1.0,
    ("e-process", 0.88): 0.002,
    ("e-process", 0.90): 0.018,
    ("e-process", 0.95): 0.994,
    ("5 uses and 80 %", 0.70): 0.64,
    ("e-CUSUM, healthy", 0.01): 0.026,
}


def measure(console: Console, *, quick: bool) -> list[Row]:
    """Repeat the table, and time the evidence."""
    runs = 800 if quick else RUNS
    rows = [*_promotions(runs), *_few_uses(runs), *_demotions(200 if quick else 1_500)]
    console.print("rules: simulated.")
    rows += _speeds()
    console.print("evidence: timed.")
    return rows


def _promotions(runs: int) -> list[Row]:
    dice = np.random.default_rng(1)
    cases = np.arange(1, LOOKS + 1) * WEEK
    rows = []
    for share in (0.88, 0.90, 0.95):
        hits = dice.binomial(WEEK, share, size=(runs, LOOKS)).cumsum(axis=1)
        point = ((hits / cases >= BAR) & (cases >= 50)).any(axis=1).mean()
        bound = _ever(hits, cases, lambda k, n: wilson_interval(k, n, 1.6449)[0] >= BAR)
        proof = _ever(hits, cases, lambda k, n: log_e_beta_binomial(k, n, BAR) >= math.log(20))
        for rule, found in (
            ("point estimate", point),
            ("Wilson's bound", bound),
            ("e-process", proof),
        ):
            rows.append(_against(rule, share, float(found), runs))
    return rows


def _ever(
    hits: NDArray[np.int64], cases: NDArray[np.int64], passes: Callable[[int, int], bool]
) -> float:
    """Give the share of runs in which a rule passes at some look; each pair is judged once."""
    known: dict[tuple[int, int], bool] = {}
    found = 0
    for run in hits:
        for k, n in zip(run.tolist(), cases.tolist(), strict=True):
            if (k, n) not in known:
                known[k, n] = passes(k, n)
            if known[k, n]:
                found += 1
                break
    return found / len(hits)


def _few_uses(runs: int) -> list[Row]:
    dice = np.random.default_rng(2)
    counts = (dice.random((runs, 200)) < 0.7).cumsum(axis=1)
    cases = np.arange(1, 201)
    found = ((counts / cases >= 0.8) & (cases >= 5)).any(axis=1).mean()
    return [_against("5 uses and 80 %", 0.70, float(found), runs)]


def _demotions(runs: int) -> list[Row]:
    dice = np.random.default_rng(3)
    events = 3_000
    harms = dice.random((runs, events)) < 0.01
    sums = np.concatenate([np.zeros((runs, 1)), harms.cumsum(axis=1)], axis=1)
    bad = sums[:, 50:] - sums[:, :-50] > 1.5
    trips = float(bad.any(axis=1).mean())
    changes = float((bad[:, 1:] != bad[:, :-1]).sum(axis=1).mean())
    healthy = float(np.mean([_first(run) is not None for run in harms]))
    soon = {
        rate: float(np.median([_first(run) or events for run in dice.random((200, events)) < rate]))
        for rate in (0.04, 0.10)
    }
    return [
        {
            "what": "> 3 % of the last 50, healthy agent: trips (design 1.00)",
            "n": runs,
            "p50": round(trips, 3),
            "unit": "share",
        },
        {
            "what": "the same: changes of state in a run (design 17.7)",
            "n": runs,
            "p50": round(changes, 1),
            "unit": "times",
        },
        _against("e-CUSUM, healthy", 0.01, healthy, runs),
        {
            "what": "e-CUSUM finds 4 % harm (design 211)",
            "n": 200,
            "p50": soon[0.04],
            "unit": "events",
        },
        {
            "what": "e-CUSUM finds 10 % harm (design 58)",
            "n": 200,
            "p50": soon[0.10],
            "unit": "events",
        },
    ]


def _first(harms: NDArray[np.bool_]) -> int | None:
    watch = ECusum()
    for n, harm in enumerate(harms.tolist(), 1):
        if watch.add(harm):
            return n
    return None


def _against(rule: str, share: float, found: float, runs: int) -> Row:
    """Give a share beside the design's; anything beyond chance is a defect."""
    expected = DESIGNED[rule, share]
    slack = 4 * math.sqrt(max(expected * (1 - expected), 0.002) * (1 / runs + 1 / RUNS))
    if abs(found - expected) > slack:
        raise AssertionError(f"{rule} at {share}: {found}, and {expected} was designed")
    what = f"{rule}, truly {share:.2f}: promoted (design {expected:.3f})"
    if "CUSUM" in rule:
        what = f"{rule} {share:.2f}: alarms in 3 000 events (design {expected:.3f})"
    return {"what": what, "n": runs, "p50": round(found, 3), "unit": "share"}


def _speeds() -> list[Row]:
    dice = np.random.default_rng(4)
    million = dice.choice([-1, 0, 1], size=1_000_000, p=[0.05, 0.9, 0.05])
    paired = _timed(lambda: log_e_paired(million, 0.05), 5)
    names = [str(n) for n in range(100_000)]
    past = [
        Past(human="a" if n % 3 else "b", proposed="a" if n % 5 else "b") for n in range(100_000)
    ]
    judged = _timed(lambda: replay(past, Policy()), 3)
    buckets = _timed(lambda: [bucket("lead-routing", "contact", name) for name in names], 5)
    keys = [f'["lead-routing","contact","{name}"]'.encode() for name in names]
    bare = _timed(lambda: [sha256(key).digest() for key in keys], 5)
    return [
        row("log_e_paired over 1 000 000 items", paired, None),
        row("comparing and judging 100 000 past cases", judged, None),
        row("100 000 buckets (ratio: to one sha256 each)", buckets, bare[0] if bare else None),
        *_ticks(),
    ]


YEAR = timedelta(days=360)
#: A year of a million cases: each watched or done alone, asked about, compared, and its parts.
MILLION = (
    "insert into cases (id, workflow, contract_version, dedupe, inbox_id, opened_at, label, "
    "arm, ending, closed_at, reruns) select 'X-' || n, :workflow, 'v', 'd' || n, 'i' || n, t, '', "
    "case when n % 10 = 0 then 'treated' when n % 10 = 5 then 'control' else 'rest' end, "
    "case when n % 10 = 0 then 'acted' else 'watched' end, t, 0 "
    "from (select n, :at + n * interval '31 seconds' t from generate_series(1, 1000000) n) x",
    "insert into compared (case_id, workflow, release, segment, unit, verdict, answer, blind, "
    "team, branch, arm, source, judged, decided_at, at) "
    "select 'X-' || n, :workflow, 'r', 's' || n % 4, 'contact/' || n, "
    "case when n % 12 = 0 then 'different' else 'equal' end, 'a' || n % 20, "
    "case when n % 3 = 0 then 'shown' else 'yes' end, 't', 'b', 'everyone', 'crm', '', t, t "
    "from (select n, :at + n * interval '31 seconds' t from generate_series(1, 1000000) n) x",
    "insert into ledger (at, workflow, case_id, step, kind, actor, fields) "
    "select t, :workflow, 'X-' || n, s.step, s.kind, 'x', jsonb_build_object('release', 'r', "
    "'decided_by', 'agent', 'evidence', 3, 'confidence', 0.9, 'segment', 's' || n % 4, "
    "'arm', case when n % 10 = 0 then 'treated' when n % 10 = 5 then 'control' else 'rest' end, "
    "'verb', 'approve', 'right', 'act', 'seconds', 0.4, "
    "'cost', jsonb_build_object('amount_millis', 5)) "
    "from (select n, :at + n * interval '31 seconds' t from generate_series(1, 1000000) n) x, "
    "(values ('placement', 'placement'), ('asked-1', 'asked'), ('proposal-1', 'proposal'), "
    "('ruling-1', 'ruling'), ('decision-1', 'decision')) s(step, kind)",
)


def _ticks() -> list[Row]:
    with database():
        with transaction() as session:
            for step in (Authority.SHADOW, Authority.RECOMMEND, Authority.LIMITED):
                change(session, CONTRACT, step, by="bench", because="x", now=now() - YEAR)
            for sql in MILLION:
                session.execute(text(sql), {"workflow": CONTRACT.workflow, "at": now() - YEAR})
        with transaction() as session:
            session.execute(text("analyze"))

        def watching() -> None:
            with transaction() as session:
                shadow_gates(tally_of(session, CONTRACT, "r", now()), Policy())

        def acting() -> None:
            with transaction() as session:
                moment = now()
                known = live(session, CONTRACT, moment)
                alarms(session, CONTRACT, moment, known)
                look_ahead(session, CONTRACT, Policy(), moment, known=known)

        def minute() -> None:
            with transaction() as session:
                alarms(session, CONTRACT, now())

        acting()  # the first look takes what no look took before
        return [
            row("gates of shadow over 1 000 000 cases", _timed(watching, 5), None),
            row("a tick in limited over 1 000 000 cases", _timed(acting, 5), None),
            row("the monitors by the minute over 1 000 000 cases", _timed(minute, 5), None),
        ]


def _timed(act: Callable[[], object], times: int) -> list[float]:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return found
