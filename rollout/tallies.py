"""What was compared with a release, counted: all that the gates of shadow look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Row, case, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from rollout.answering import answers_of
from rollout.compared import Blind, ComparedRow, Judged
from rollout.comparison import AGREES, Verdict
from rollout.contract import Contract
from rollout.gates import Tally
from rollout.noise import noise_of
from rollout.rehearsals import expected, unmet
from rollout.releases import line_of


@dataclass(frozen=True)
class _Counted:
    """The comparisons that count: blind ones, in which there was something to compare."""

    workflow: str
    line: tuple[str, ...]
    since: datetime | None
    cutoff: datetime

    def constant(self, session: Session) -> str:
        """Give the answer that people give most often; empty where there is none."""
        return (
            session.execute(
                select(ComparedRow.answer)
                .where(*self._where())
                .group_by(ComparedRow.answer)
                .order_by(func.count().desc(), ComparedRow.answer)
                .limit(1)
            ).scalar_one_or_none()
            or ""
        )

    def by_segment(self, session: Session, always: str) -> Sequence[Row[Any]]:
        """Give for each segment n, right, harmful, fixed, wins, losses, the first and the last."""
        judged = col(ComparedRow.judged_at) <= self.cutoff
        both = (col(ComparedRow.judged) == Judged.BOTH) & judged
        agrees = case((col(ComparedRow.verdict).in_(AGREES) | both, 1), else_=0)
        fixed = case((col(ComparedRow.answer) == always, 1), else_=0)
        return session.execute(
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
            .where(*self._where())
            .group_by(ComparedRow.segment)
        ).all()

    def _where(self) -> tuple[ColumnElement[bool], ...]:
        epoch = () if self.since is None else (col(ComparedRow.decided_at) > self.since,)
        return (
            *epoch,
            col(ComparedRow.workflow) == self.workflow,
            col(ComparedRow.release).in_(self.line),
            col(ComparedRow.blind) == Blind.YES,
            col(ComparedRow.verdict) != Verdict.INCOMPARABLE,
            col(ComparedRow.at) <= self.cutoff,
        )


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
    line = line_of(session, contract.workflow, release)
    counted = _Counted(contract.workflow, line, since, cutoff)
    always = counted.constant(session)
    rows = counted.by_segment(session, always)
    n, right, harmful, constant_right, wins, losses = (
        sum(int(row[place]) for row in rows) for place in range(1, 7)
    )
    first = min((row[7] for row in rows), default=None)
    last = max((row[8] for row in rows), default=None)
    answers = answers_of(session, contract, line, first, cutoff)
    twice, same = noise_of(session, contract.workflow, line, cutoff)
    return Tally(
        n=n,
        right=right,
        harmful=harmful,
        constant=f"the most frequent one ({always[:8]})" if always else "",
        constant_right=constant_right,
        wins=wins,
        losses=losses,
        eligible=answers.eligible,
        answered=answers.given,
        cheap=answers.cheap,
        quick=answers.quick,
        exceptions=len(expected(contract)),
        unmet=unmet(session, contract, cutoff),
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
            col(ComparedRow.release).in_(line_of(session, workflow, rival)),
            col(other.release).in_(line_of(session, workflow, holds)),
            ComparedRow.blind == Blind.YES,
            ComparedRow.at <= cutoff,
            *((ComparedRow.decided_at > since,) if since is not None else ()),
        )
        .order_by(col(ComparedRow.seq))
    ).all()
    return np.array([float(one in AGREES) - float(two in AGREES) for one, two in rows], dtype=float)
