"""
Outcomes: what later turned out of a case, and whether that speaks for the work.

Each word is a new fact: a correction or a withdrawal is told later and counts from then on, and
what was known before can still be seen. A case says something once its time is over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, Column, Identity, String, cast, func
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.authority import Arm
from rollout.case import CaseRow, find_case
from rollout.columns import moment
from rollout.contract import Contract
from rollout.errors import Invalid
from rollout.ledger import Entry, note
from rollout.shadow import ASKED

MOST = 5_000  #: cases of an arm that are read, the latest ones: more say nothing more


class OutcomeRow(SQLModel, table=True):
    """One word about what became of a case. Rows are only added."""

    __tablename__ = "outcome"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    case_id: str = Field(index=True)
    workflow: str = Field(index=True)
    kind: str
    happened_at: datetime = moment()
    told_at: datetime = moment()
    source: str  #: csv, crm, webhook
    withdrawn: bool = False  #: it was told by mistake


@dataclass(frozen=True)
class Word:
    """What somebody tells of a case."""

    kind: str
    at: datetime
    source: str
    withdrawn: bool = False


@dataclass(frozen=True)
class Matured:
    """What became of the cases of one arm, in the order in which they were closed."""

    closed: int  #: cases that were closed
    good: NDArray[np.bool_]  #: of those that say something
    segments: Mapping[str, NDArray[np.bool_]]

    @property
    def share(self) -> float:
        """How many of the closed ones say something by now."""
        return len(self.good) / self.closed if self.closed else 0.0


def take_outcome(
    session: Session, contract: Contract, case_id: str, word: Word, now: datetime
) -> bool:
    """
    Keep what became of a case; False where exactly that is known.

    Raises `Invalid` for a kind that the contract does not name, a moment that lies ahead or before
    the case, or a withdrawal of what nobody told.
    """
    found = find_case(session, case_id)
    if found.workflow != contract.workflow:
        raise Invalid(f"{case_id} belongs to {found.workflow}, not to {contract.workflow}")
    known = [rule.kind for rule in contract.outcomes]
    if word.kind not in known:
        told = ", ".join(known) or "none"
        raise Invalid(f"{word.kind} is no outcome of {contract.workflow}; known: {told}")
    if not found.opened_at <= word.at <= now:
        raise Invalid(f"{case_id}: {word.at:%Y-%m-%d %H:%M} lies ahead, or before the case")
    last = _last(session, case_id, word.kind)
    if word.withdrawn and (last is None or last.withdrawn):
        raise Invalid(f"{case_id}: nobody told of {word.kind}, so it cannot be withdrawn")
    if last is not None and (last.happened_at, last.withdrawn) == (word.at, word.withdrawn):
        return False
    session.add(
        OutcomeRow(
            case_id=case_id,
            workflow=contract.workflow,
            kind=word.kind,
            happened_at=word.at,
            told_at=now,
            source=word.source,
            withdrawn=word.withdrawn,
        )
    )
    note(
        session,
        workflow=contract.workflow,
        case_id=case_id,
        kind="outcome",
        actor=word.source,
        at=now,
        fields={"kind": word.kind, "at": word.at.isoformat(), "withdrawn": word.withdrawn},
    )
    session.flush()
    return True


def matured(
    session: Session,
    contract: Contract,
    arm: Arm,
    since: datetime,
    cutoff: datetime,
) -> Matured:
    """
    Give what became of an arm's latest cases that an agent was asked about, as known at a moment.
    """
    placed = aliased(Entry)
    latest = (
        select(col(CaseRow.id), col(CaseRow.closed_at))
        .where(
            CaseRow.workflow == contract.workflow,
            CaseRow.arm == arm.value,
            col(CaseRow.closed_at) > since,
            col(CaseRow.closed_at) <= cutoff,
        )
        .order_by(col(CaseRow.closed_at).desc())
        .limit(MOST)
        .subquery()
    )
    rows = session.execute(
        select(latest.c.id, latest.c.closed_at, col(placed.fields)["segment"].astext)
        .join(placed, (col(placed.case_id) == latest.c.id) & (col(placed.step) == "placement"))
        .join(Entry, (col(Entry.case_id) == latest.c.id) & (col(Entry.step) == ASKED))
        .order_by(latest.c.closed_at, latest.c.id)
    ).all()
    words = _words(session, contract, [row[0] for row in rows], cutoff)
    found = [
        (segment or "", said)
        for case_id, closed, segment in rows
        if (said := verdict(contract, words.get(case_id, {}), closed, cutoff)) is not None
    ]
    names = sorted({name for name, _ in found})
    return Matured(
        closed=len(rows),
        good=np.array([said for _, said in found], dtype=bool),
        segments={
            one: np.array([said for name, said in found if name == one], dtype=bool)
            for one in names
        },
    )


def verdict(
    contract: Contract, words: Mapping[str, datetime], closed: datetime, cutoff: datetime
) -> bool | None:
    """Say whether a case turned out well; None while that is open. A bad word beats good ones."""
    said = [
        rule.is_good
        for rule in contract.outcomes
        if rule.kind in words and words[rule.kind] <= closed + rule.within
    ]
    if said:
        return all(said)
    silent = [rule.silence_is for rule in contract.outcomes if closed + rule.within <= cutoff]
    known = [one for one in silent if one is not None]
    over = len(silent) == len(contract.outcomes)
    return all(known) if over and known else None


def _last(session: Session, case_id: str, kind: str) -> OutcomeRow | None:
    return session.exec(
        select(OutcomeRow)
        .where(OutcomeRow.case_id == case_id, OutcomeRow.kind == kind)
        .order_by(col(OutcomeRow.id).desc())
        .limit(1)
    ).one_or_none()


def _words(
    session: Session, contract: Contract, cases: Iterable[str], cutoff: datetime
) -> dict[str, dict[str, datetime]]:
    """Give by case and kind when it happened, by the last word told up to a moment."""
    rows = session.exec(
        select(OutcomeRow)
        .where(
            OutcomeRow.workflow == contract.workflow,
            OutcomeRow.told_at <= cutoff,
            col(OutcomeRow.case_id) == func.any(cast([*cases], ARRAY(String))),
        )
        .order_by(col(OutcomeRow.id))
    ).all()
    found: dict[str, dict[str, datetime]] = {}
    for row in rows:
        if row.withdrawn:
            found.get(row.case_id, {}).pop(row.kind, None)
        else:
            found.setdefault(row.case_id, {})[row.kind] = row.happened_at
    return found
