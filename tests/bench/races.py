"""Who is first: an answer or the clock, and eight processes that contradict each other."""

import multiprocessing
import random
import time
from collections import Counter
from functools import partial

from rich.console import Console
from sqlmodel import col, func, select

from integrations.clock import now
from integrations.database import transaction
from rollout.answers import Reason, Verb
from rollout.contract import Contract
from rollout.deciding import decide
from rollout.errors import AlreadyDecided
from rollout.ledger import Entry
from rollout.reviews import ReviewRow
from tests.bench.rows import Row
from tests.bench.safety import database
from tests.rollout.test_review_deadlines import race
from tests.rollout.trial import a_case, a_review, answer, contract, proposal

PROCESSES = 8


def measure(console: Console, *, quick: bool) -> list[Row]:
    """Count on a database of its own; anything but one winner each is a defect."""
    trials, reviews = (200, 200) if quick else (2_000, 10_000)
    with database():
        began = time.perf_counter()
        ends = _deadlines(trials)
        console.print(f"an answer against the clock: {dict(ends)}")
        at_deadline = time.perf_counter() - began
        began = time.perf_counter()
        told, decisions = _contradictions(reviews)
        console.print(f"{PROCESSES} processes: {dict(told)}, {decisions} decisions")
        contradicting = time.perf_counter() - began
    wins = told["decided"]
    if sum(ends.values()) != trials or wins != reviews or decisions != reviews:
        raise AssertionError(f"not one winner each: {ends}, {told}, {decisions} decisions")
    return [
        {
            "what": f"approve against expire: {dict(ends)}",
            "n": trials,
            "p50": round(at_deadline, 1),
            "unit": "s",
        },
        {
            "what": f"{PROCESSES} processes contradict each other, one wins each",
            "n": reviews,
            "p50": round(contradicting, 1),
            "unit": "s",
        },
    ]


def _deadlines(trials: int) -> Counter[str]:
    agreed = contract()
    ends: Counter[str] = Counter()
    for n in range(trials):
        status, told = race(agreed, clock_first=n % 2 == 0)
        ends[f"{status}, {told}"] += 1
    strange = set(ends) - {"approved, decided", "expired, too late"}
    if strange:
        raise AssertionError(f"both or neither: {strange}")
    return ends


def _contradictions(reviews: int) -> tuple[Counter[str], int]:
    agreed = contract()
    with transaction() as session:
        ids = [a_review(session, a_case(session, agreed)).id for _ in range(reviews)]
    fork = multiprocessing.get_context("spawn")
    with fork.Pool(PROCESSES) as pool:
        told = pool.map(partial(_vote, agreed, ids), range(PROCESSES))
    with transaction() as session:
        decisions = session.exec(
            select(func.count())
            .select_from(Entry)
            .where(Entry.workflow == agreed.workflow, col(Entry.kind) == "decision")
        ).one()
        open_ones = session.exec(
            select(func.count())
            .select_from(ReviewRow)
            .where(ReviewRow.workflow == agreed.workflow, ReviewRow.status == "open")
        ).one()
    if open_ones:
        raise AssertionError(f"{open_ones} were decided by nobody")
    return sum(told, Counter()), decisions


def _vote(agreed: Contract, ids: list[str], number: int) -> Counter[str]:
    """Answer every review as one person does: half of them say yes, half of them no."""
    told: Counter[str] = Counter()
    order = random.Random(number).sample(ids, len(ids))
    verb = Verb.APPROVE if number % 2 else Verb.REJECT
    said = answer(verb, f"person-{number}", reason=Reason.OTHER)
    for review_id in order:
        try:
            with transaction() as session:
                decide(session, agreed, review_id, said, proposal(), now())
            told["decided"] += 1
        except AlreadyDecided:
            told["told who was first"] += 1
    return told
