"""
Opinions: what a further person says of a case that was decided already. Nothing is written by it.

Where an agent and a person differ, a third one says who is right, and is not told whose answer is
whose. Of a sample of all cases a second person gives an answer of their own: how far people agree
among themselves bounds what agreement with them can mean.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from krippendorff import alpha
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.approvals import standing_of
from rollout.buckets import BUCKETS, bucket
from rollout.columns import document, moment
from rollout.compared import RECHECK, ComparedRow, Judged
from rollout.comparison import AGREES, Verdict, key_of
from rollout.contract import Contract
from rollout.errors import Conflict, Invalid, NotYours, Unknown
from rollout.ledger import note, note_next
from rollout.people import Directory

SAMPLE = 0.05  #: share of blind cases of which a second person is asked
MOST_AGE = timedelta(days=30)  #: after that nobody is asked any more
RECHECKED = "rechecked"  #: the kind of the entry that says whether a recheck found an error


class Kind(StrEnum):
    """What a further person is asked."""

    WHO_IS_RIGHT = "who_is_right"  #: Of two answers, not told whose is which.
    SECOND = "second"  #: For an answer of their own, shown none.
    RECHECK = "recheck"  #: The same, of a case that an agent did alone.


class Side(StrEnum):
    """Who is right where two answers differ."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"
    NEITHER = "neither"


class OpinionRow(SQLModel, table=True):
    """A question to a further person. The answers it is about stay in the ledger."""

    __tablename__ = "opinion"

    id: str = Field(primary_key=True)  #: O-<case>-<kind>
    case_id: str = Field(index=True)
    workflow: str = Field(index=True)
    release: str  #: whose answer it is about
    kind: str
    group: str
    not_by: str  #: who decided the case, and so is not asked
    asked_at: datetime = moment()
    answered_at: datetime | None = moment(optional=True)
    by: str = ""
    answer: dict[str, Any] = document()  #: which side, or the digest of the answer


def ask_for_opinions(
    session: Session,
    contract: Contract,
    case_id: str,
    verdict: Verdict,
    *,
    release: str,
    by: str,
    now: datetime,
) -> None:
    """Ask who is right where they differ, and a sample of all for a second answer."""
    kinds = []
    if verdict not in AGREES and verdict is not Verdict.INCOMPARABLE:
        kinds.append(Kind.WHO_IS_RIGHT)
    if bucket(f"{contract.workflow}:second", "case", case_id) < SAMPLE * BUCKETS:
        kinds.append(Kind.SECOND)
    for kind in kinds:
        ask_for(session, contract, case_id, kind, release=release, not_by=by, now=now)


def ask_for(
    session: Session,
    contract: Contract,
    case_id: str,
    kind: Kind,
    *,
    release: str,
    not_by: str,
    now: datetime,
) -> bool:
    """Ask a further person about a case, once; gives whether that is new."""
    made = session.execute(
        insert(OpinionRow)
        .values(
            id=f"O-{case_id}-{kind}",
            case_id=case_id,
            workflow=contract.workflow,
            release=release,
            kind=kind,
            group=contract.owners.reviewer,
            not_by=not_by,
            asked_at=now,
            by="",
            answer={},
        )
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(col(OpinionRow.id))
    ).scalar_one_or_none()
    return made is not None


def agents_side(workflow: str, case_id: str) -> Side:
    """Say under which letter the agent's answer is shown; the same case, the same side."""
    return Side.FIRST if bucket(f"{workflow}:side", "case", case_id) % 2 else Side.SECOND


def open_opinions(session: Session, workflow: str, most: int = 200) -> list[OpinionRow]:
    """Give what waits for a further person, the latest first."""
    return list(
        session.exec(
            select(OpinionRow)
            .where(OpinionRow.workflow == workflow, col(OpinionRow.answered_at).is_(None))
            .order_by(col(OpinionRow.asked_at).desc(), col(OpinionRow.id))
            .limit(most)
        ).all()
    )


def next_for(
    session: Session, directory: Directory, contract: Contract, by: str, now: datetime
) -> OpinionRow | None:
    """Give the latest question that a person may answer; None where nothing waits for them."""
    rows = open_opinions(session, contract.workflow)
    mine = {
        group: standing_of(directory, by, [group], now.date()) is not None
        for group in {row.group for row in rows}
    }
    return next((row for row in rows if mine[row.group] and row.not_by != by), None)


def find_opinion(session: Session, opinion_id: str) -> OpinionRow:
    """Give a question, or raise `Unknown`."""
    row = session.get(OpinionRow, opinion_id)
    if row is None:
        raise Unknown(f"there is no opinion {opinion_id}. `taxiway opinions` lists the open ones.")
    return row


def take_opinion(
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
    """
    Take a further person's word; the first one stands.

    Raises `NotYours` for whoever decided the case or is not of its reviewers, `Invalid` for a word
    of the other kind, `Conflict` where somebody was first.
    """
    row = find_opinion(session, opinion_id)
    if by == row.not_by:
        raise NotYours(f"{by} decided {row.case_id}: somebody else is asked.")
    if standing_of(directory, by, [row.group], now.date()) is None:
        raise NotYours(f"{row.id} is for {row.group}, and {by} is not one of them.")
    said = _said(contract, row, side, answer)
    taken = session.execute(
        update(OpinionRow)
        .where(col(OpinionRow.id) == row.id, col(OpinionRow.answered_at).is_(None))
        .values(answered_at=now, by=by, answer=said)
        .returning(col(OpinionRow.id))
    ).scalar_one_or_none()
    if taken is None:
        raise Conflict(f"{row.id} was answered by {find_opinion(session, row.id).by} already.")
    session.refresh(row)
    if "side" in said:
        _judge(session, row, Side(said["side"]), now)
    note(
        session,
        workflow=row.workflow,
        case_id=row.case_id,
        step=f"opinion-{row.kind}",
        kind="opinion",
        actor=by,
        at=now,
        fields={"kind": row.kind, **({"side": said["side"]} if "side" in said else {})},
    )
    return row


def _judge(session: Session, row: OpinionRow, side: Side, now: datetime) -> None:
    """Keep whose answer was right, now that the names may be known."""
    agents = agents_side(row.workflow, row.case_id)
    known = {Side.BOTH: Judged.BOTH, Side.NEITHER: Judged.NEITHER, agents: Judged.AGENT}
    judged = known.get(side, Judged.HUMAN)
    source = session.execute(
        update(ComparedRow)
        .where(col(ComparedRow.case_id) == row.case_id, col(ComparedRow.release) == row.release)
        .values(judged=judged, judged_at=now)
        .returning(col(ComparedRow.source))
    ).scalar_one_or_none()
    if source == RECHECK:
        note_rechecked(session, row, wrong=judged is Judged.HUMAN, now=now)


def note_rechecked(session: Session, row: OpinionRow, *, wrong: bool, now: datetime) -> None:
    """Note, for the monitors, whether what an agent did alone was its error."""
    note_next(
        session,
        workflow=row.workflow,
        case_id=row.case_id,
        kind=RECHECKED,
        actor=row.by,
        at=now,
        fields={"wrong": wrong},
    )


def _said(
    contract: Contract, row: OpinionRow, side: Side | None, answer: Mapping[str, str] | None
) -> dict[str, str]:
    if row.kind == Kind.WHO_IS_RIGHT:
        if side is None or answer:
            raise Invalid(f"{row.id} asks who is right: one of {', '.join(Side)}")
        return {"side": side.value}
    if side is not None or not answer:
        raise Invalid(f"{row.id} asks for an answer of your own: FIELD=VALUE")
    return {"key": key_of(dict(contract.compared) or answer, answer)}


def people_agree(first: Sequence[str], second: Sequence[str]) -> float | None:
    """
    Give how far two people's answers to the same cases agree, beyond chance: 1 is always, 0 as if
    by chance. None for fewer than two cases, or where everybody always said the same.

    Krippendorff's alpha for nominal answers (Krippendorff 2011, by the library of that name).
    """
    names = {word: n for n, word in enumerate(dict.fromkeys((*first, *second)))}
    if len(first) < 2 or len(names) < 2:
        return None
    table = np.array([[names[one] for one in first], [names[one] for one in second]], dtype=float)
    return float(alpha(reliability_data=table, level_of_measurement="nominal"))
