"""
Rechecks: a sample of what an agent does alone is decided once more by a person, shown nothing.

Nothing is written by it. Where the two differ, a third one says who is right; what was the agent's
error is heard by the monitors, and what was not keeps its level alive.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from rollout.buckets import BUCKETS, bucket
from rollout.case import AGENT, CaseRow, Ending, Proposal
from rollout.compared import RECHECK
from rollout.comparison import AGREES
from rollout.contract import Contract
from rollout.decisions import Decision
from rollout.ledger import Entry
from rollout.opinions import Kind, OpinionRow, Side, ask_for, note_rechecked, take_opinion
from rollout.people import Directory
from rollout.shadow import HumanDecision, take_human_decision

SHARE = 0.05  #: of what an agent does alone
LATELY = timedelta(days=3)  #: a case that ended before that is not asked about any more


def ask_for_rechecks(session: Session, contract: Contract, now: datetime) -> int:
    """Ask a further person about a sample of what was done alone lately; gives how many are new."""
    said = col(Entry.fields)
    decided = select(Entry.case_id).where(
        Entry.workflow == contract.workflow,
        Entry.kind == Decision.kind,
        Entry.at > now - LATELY,
    )
    rows = session.execute(
        select(CaseRow.id, said["release"].astext)
        .join(Entry, (col(Entry.case_id) == col(CaseRow.id)) & (col(Entry.step) == "proposal-1"))
        .where(
            CaseRow.workflow == contract.workflow,
            CaseRow.ending == Ending.ACTED,
            col(CaseRow.closed_at) > now - LATELY,
            col(CaseRow.closed_at) <= now,
            Entry.kind == Proposal.kind,
            said["decided_by"].astext == AGENT,
            col(CaseRow.id).not_in(decided),
        )
    ).all()
    return sum(
        ask_for(session, contract, case_id, Kind.RECHECK, release=release, not_by="", now=now)
        for case_id, release in rows
        if bucket(f"{contract.workflow}:recheck", "case", case_id) < SHARE * BUCKETS
    )


def take_word(
    session: Session,
    directory: Directory,
    contract: Contract,
    opinion_id: str,
    *,
    by: str,
    side: Side | None = None,
    answer: Mapping[str, str] | None = None,
    now: datetime,
) -> OpinionRow:
    """Take a further person's word, as `take_opinion`; a recheck is compared with what was done."""
    row = take_opinion(
        session, directory, contract, opinion_id, by=by, side=side, answer=answer, now=now
    )
    if row.kind == Kind.RECHECK:
        said = HumanDecision(answer=dict(answer or {}), by=by, at=now, source=RECHECK)
        if take_human_decision(session, contract, row.case_id, said, now) in AGREES:
            note_rechecked(session, row, wrong=False, now=now)
    return row
