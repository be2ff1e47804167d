"""What a release was asked and what it answered, at what cost and how fast."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Subquery, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from rollout.budgets import MILLIS
from rollout.case import AGENT, CaseRow, Proposal
from rollout.contract import Contract
from rollout.ledger import Entry
from rollout.shadow import ASKED, latest_release, rival_step

MOST = 10_000  #: cases that are looked at, the latest ones
BEFORE = timedelta(days=1)  #: a person decides some time after the agent proposed


@dataclass(frozen=True)
class Answers:
    """How a release kept to what was asked of it."""

    eligible: int = 0  #: cases that it was asked about
    given: int = 0  #: to which it had an answer
    cheap: int | None = None  #: answers within the budget of a case; None: there is no such budget
    quick: int | None = None  #: answers in time; None: nothing is said of their time


def answers_of(
    session: Session,
    contract: Contract,
    line: Sequence[str],
    first: datetime | None,
    cutoff: datetime,
) -> Answers:
    """
    Count the latest cases, from a first one on, that a release, or one that answers alike, was
    asked about.

    A rival is to answer whatever the one that acts is asked.
    """
    most, longest = contract.budget_minor_per_case, contract.answer_within
    if first is None:
        return Answers(cheap=None if most is None else 0, quick=None if longest is None else 0)
    acts = latest_release(session, contract.workflow) in line
    given = aliased(Entry)
    said = col(given.fields)
    has = (
        said["release"].astext.in_(line)
        & (said["decided_by"].astext == AGENT)
        & (said["evidence"].as_integer() > 0)
    )
    asked = _asked(contract.workflow, cutoff)
    cheap = said["cost"]["amount_millis"].as_integer() <= (most or 0) * MILLIS
    quick = said["seconds"].as_float() <= (longest or timedelta()).total_seconds()
    found = session.execute(
        select(
            func.count(),
            func.count(col(given.seq)),
            func.count(col(given.seq)).filter(cheap),
            func.count(col(given.seq)).filter(quick),
        )
        .select_from(asked)
        .join(CaseRow, col(CaseRow.id) == asked.c.case_id)
        .join(
            given,
            (col(given.case_id) == col(CaseRow.id))
            & (col(given.kind) == Proposal.kind)
            & (col(given.step).in_(["proposal-1", *map(rival_step, line)]))
            & has,
            isouter=True,
        )
        .where(
            asked.c.step == ASKED,
            *((asked.c.release.in_(line),) if acts else ()),
            col(CaseRow.closed_at) >= first - BEFORE,
            col(CaseRow.closed_at) <= cutoff,
        )
    ).one()
    return Answers(
        eligible=int(found[0]),
        given=int(found[1]),
        cheap=None if most is None else int(found[2]),
        quick=None if longest is None else int(found[3]),
    )


def _asked(workflow: str, cutoff: datetime) -> Subquery:
    """Give the latest times that an agent of a workflow was asked: case, step and release."""
    return (
        select(
            col(Entry.case_id),
            col(Entry.step),
            col(Entry.fields)["release"].astext.label("release"),
        )
        .where(Entry.workflow == workflow, Entry.kind == "asked", Entry.at <= cutoff)
        .order_by(col(Entry.at).desc())
        .limit(MOST)
        .subquery()
    )
