"""What was compared with a release, counted: all that the gates of shadow look at."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import case, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from rollout.case import AGENT, CaseRow, Proposal
from rollout.compared import Blind, ComparedRow, Judged
from rollout.comparison import AGREES, Verdict
from rollout.contract import Contract
from rollout.gates import Tally
from rollout.ledger import Entry
from rollout.noise import noise_of
from rollout.shadow import ASKED, latest_release, rival_step

MOST_COVERED = 10_000  #: cases of which is counted whether there was an answer, the latest ones
COVERED_BEFORE = timedelta(days=1)  #: a person decides some time after the agent proposed


def tally_of(
    session: Session,
    contract: Contract,
    release: str,
    cutoff: datetime,
    since: datetime | None = None,
) -> Tally:
    """
    Count what was compared with a release up to a moment; blind and comparable cases only. Where a
    further person says that both are right, they agree.

    `since` begins the epoch: what an agent had earned before it fell does not count again.
    """
    epoch = (ComparedRow.decided_at > since,) if since is not None else ()
    compared = (
        *epoch,
        ComparedRow.workflow == contract.workflow,
        ComparedRow.release == release,
        ComparedRow.blind == Blind.YES,
        col(ComparedRow.verdict) != Verdict.INCOMPARABLE,
        ComparedRow.at <= cutoff,
    )
    both = (col(ComparedRow.judged) == Judged.BOTH) & (col(ComparedRow.judged_at) <= cutoff)
    agrees = case((col(ComparedRow.verdict).in_(AGREES) | both, 1), else_=0)
    constant = session.execute(
        select(ComparedRow.answer, func.count())
        .where(*compared)
        .group_by(ComparedRow.answer)
        .order_by(func.count().desc(), ComparedRow.answer)
        .limit(1)
    ).first()
    always = constant[0] if constant else ""
    fixed = case((col(ComparedRow.answer) == always, 1), else_=0)
    rows = session.execute(
        select(  # type: ignore[call-overload] # columns
            ComparedRow.segment,
            func.count(),
            func.sum(agrees),
            func.sum(case((col(ComparedRow.verdict) == Verdict.HARMFUL, 1), else_=0)),
            func.sum(fixed),
            func.sum(agrees * (1 - fixed)),
            func.sum(fixed * (1 - agrees)),
            func.min(ComparedRow.decided_at),
            func.max(ComparedRow.decided_at),
        )
        .where(*compared)
        .group_by(ComparedRow.segment)
    ).all()
    n, right, harmful, constant_right, wins, losses = (
        sum(int(row[place]) for row in rows) for place in range(1, 7)
    )
    first = min((row[7] for row in rows), default=None)
    last = max((row[8] for row in rows), default=None)
    eligible, answered = _coverage(session, contract.workflow, release, first, cutoff)
    twice, same = noise_of(session, contract.workflow, release, cutoff)
    return Tally(
        n=n,
        right=right,
        harmful=harmful,
        constant=f"the most frequent one ({always[:8]})" if always else "",
        constant_right=constant_right,
        wins=wins,
        losses=losses,
        eligible=eligible,
        answered=answered,
        days=(last - first) / timedelta(days=1) if first and last else None,
        age_days=(cutoff - last) / timedelta(days=1) if last else None,
        segments={row[0]: (int(row[1]), int(row[2])) for row in rows},
        harm_is_known=bool(contract.harmful),
        asked_twice=twice,
        same_twice=same,
    )


def side_by_side(
    session: Session,
    workflow: str,
    rival: str,
    holds: str,
    cutoff: datetime,
    since: datetime | None = None,
) -> NDArray[np.float64]:
    """Give, of blind cases that both answered, 1 where only the rival agrees and -1 where not."""
    other = aliased(ComparedRow)
    rows = session.execute(
        select(ComparedRow.verdict, other.verdict)
        .join(other, col(other.case_id) == col(ComparedRow.case_id))
        .where(
            ComparedRow.workflow == workflow,
            ComparedRow.release == rival,
            other.release == holds,
            ComparedRow.blind == Blind.YES,
            ComparedRow.at <= cutoff,
            *((ComparedRow.decided_at > since,) if since is not None else ()),
        )
        .order_by(col(ComparedRow.seq))
    ).all()
    return np.array([float(one in AGREES) - float(two in AGREES) for one, two in rows], dtype=float)


def _coverage(
    session: Session, workflow: str, release: str, first: datetime | None, cutoff: datetime
) -> tuple[int, int]:
    """
    Count the latest cases that a release was asked about, and those to which it had an answer.

    A rival is to answer whatever the one that acts is asked.
    """
    if first is None:
        return 0, 0
    acts = release == latest_release(session, workflow)
    given = aliased(Entry)
    said = col(given.fields)
    has = (
        (said["release"].astext == release)
        & (said["decided_by"].astext == AGENT)
        & (said["evidence"].as_integer() > 0)
    )
    asked = (
        select(
            col(Entry.case_id),
            col(Entry.step),
            col(Entry.fields)["release"].astext.label("release"),
        )
        .where(Entry.workflow == workflow, Entry.kind == "asked", Entry.at <= cutoff)
        .order_by(col(Entry.at).desc())
        .limit(MOST_COVERED)
        .subquery()
    )
    found = session.execute(
        select(func.count(), func.count(col(given.seq)))
        .select_from(asked)
        .join(CaseRow, col(CaseRow.id) == asked.c.case_id)
        .join(
            given,
            (col(given.case_id) == col(CaseRow.id))
            & (col(given.kind) == Proposal.kind)
            & (col(given.step).in_(["proposal-1", rival_step(release)]))
            & has,
            isouter=True,
        )
        .where(
            asked.c.step == ASKED,
            *((asked.c.release == release,) if acts else ()),
            col(CaseRow.closed_at) >= first - COVERED_BEFORE,
            col(CaseRow.closed_at) <= cutoff,
        )
    ).one()
    return int(found[0]), int(found[1])
