"""Sealing the ledger and publishing the end of its chain; holding both against each other."""

from dataclasses import replace
from pathlib import Path

from integrations.clock import now
from integrations.database import transaction
from integrations.heads import heads_file, publish, published
from rollout.seals import Head, Verdict, check, head, seal


def seal_ledger() -> int:
    """Seal every row that has been committed, and publish the end; gives how many were sealed."""
    total = 0
    while True:
        with transaction() as session:
            some = seal(session, now())
            end = head(session)
        total += some
        if not some:
            break
    if end.length:
        publish(end.length, end.hash, now())
    return total


def verify_ledger(file: Path | None = None) -> Verdict:
    """Read the whole chain, and hold it against the heads on file."""
    known = published(file or heads_file())
    with transaction() as session:
        verdict = check(session, [Head(length, last) for length, last in known.heads])
    return replace(verdict, losses=tuple(known.losses))
