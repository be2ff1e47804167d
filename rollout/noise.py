"""
The noise floor: how often a release, asked twice about the same case, gives the same answer.

No agreement with people can be expected above it; a difference below it says nothing.
"""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, func, select

from rollout.buckets import BUCKETS, bucket
from rollout.case import Proposal
from rollout.comparison import AGREES, Comparator, Comparison
from rollout.contract import Contract
from rollout.ledger import Entry, note

SHARE = 0.02  #: of the cases that are only watched
AGAIN = "again-1"  #: the step of the second answer
NOISE = "noise"  #: the kind of the entry that says whether the two are the same


def is_asked_again(workflow: str, case_id: str) -> bool:
    """Whether a case is of the sample; the same case, the same."""
    return bucket(f"{workflow}:again", "case", case_id) < SHARE * BUCKETS


def note_again(
    session: Session,
    contract: Contract,
    case_id: str,
    first: Proposal,
    second: Proposal,
    now: datetime,
) -> None:
    """Note, once for a case, whether two answers of a release are the same."""
    fields = dict(contract.compared) or dict.fromkeys(first.action.arguments, Comparator())
    verdict, _ = Comparison(fields).compare(
        second.action.arguments, first.action.arguments, now.date()
    )
    note(
        session,
        workflow=contract.workflow,
        case_id=case_id,
        step=NOISE,
        kind=NOISE,
        actor="taxiway",
        at=now,
        fields={"release": first.release, "same": verdict in AGREES},
    )


def noise_of(
    session: Session, workflow: str, releases: Collection[str], cutoff: datetime
) -> tuple[int, int]:
    """Give how many cases releases were asked about twice, and in how many they said the same."""
    said = col(Entry.fields)
    same = said["same"].as_boolean()
    rows = session.execute(
        select(same, func.count())
        .where(
            Entry.workflow == workflow,
            Entry.kind == NOISE,
            said["release"].astext.in_(releases),
            Entry.at <= cutoff,
        )
        .group_by(same)
    ).all()
    counts = {bool(one): int(n) for one, n in rows}
    return sum(counts.values()), counts.get(True, 0)
