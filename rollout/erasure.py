"""
Erasing what is about a person, and keeping what happened: the ledger stays as it is.

The ledger holds no personal data, only digests of it, so what is erased lies beside it: the facts'
personal parts, other names, the events as they came, the bytes of writes, and reasons that may
quote somebody. Only a case that has ended can be erased: an open one still needs its facts.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from rollout.case import CaseRow, find_case
from rollout.effects import FINAL, EffectRow, State
from rollout.errors import Conflict, Unknown
from rollout.handoffs import HandoffRow
from rollout.inbox import Arrival
from rollout.ledger import Alias, Personal, note_next
from rollout.reviews import ReviewRow
from rollout.timeline import ERASED, find_cases

KEPT_NAMES = ("case", "event")  #: our own numbers, by which a case can still be found


def cases_about(session: Session, subject: str) -> list[str]:
    """Give the cases of an e-mail address, a CRM record or a case; raises `Unknown` for none."""
    found = find_cases(session, subject)
    if not found:
        raise Unknown(
            f"nothing is known of {subject}: it was never here, or it has been erased already"
        )
    return found


def check_erasable(session: Session, case_ids: Sequence[str]) -> None:
    """Raise `Conflict`, naming each case that has not ended or has a write under way."""
    busy = []
    for case_id in case_ids:
        effects = session.exec(select(EffectRow.state).where(EffectRow.case_id == case_id)).all()
        if find_case(session, case_id).ending is None:
            busy.append(f"{case_id} is open: decide it, or cancel its run")
        elif any(State(state) not in FINAL for state in effects):
            busy.append(f"{case_id} has a write that is not settled: the watch settles it")
    if busy:
        raise Conflict("nothing was erased: " + "; ".join(busy))


def erase(session: Session, case_id: str, *, by: str, now: datetime) -> str | None:
    """
    Erase what a case holds about people; gives the id of its run in Prefect, where more may lie.

    Safe to repeat. Raises `Conflict` for a case that cannot be erased yet.
    """
    check_erasable(session, [case_id])
    row = find_case(session, case_id)
    session.execute(delete(Personal).where(col(Personal.case_id) == case_id))
    session.execute(
        delete(Alias).where(col(Alias.case_id) == case_id, col(Alias.kind).not_in(KEPT_NAMES))
    )
    session.execute(update(Arrival).where(col(Arrival.case_id) == case_id).values(body=b""))
    session.execute(
        update(EffectRow)
        .where(col(EffectRow.case_id) == case_id)
        .values(body=b"", expected={}, noted={}, changes={}, because=ERASED)
    )
    for table in (ReviewRow, HandoffRow):
        session.execute(update(table).where(col(table.case_id) == case_id).values(because=ERASED))
    row.because = ERASED
    session.add(row)
    note_next(
        session,
        workflow=row.workflow,
        case_id=case_id,
        kind="erasure",
        actor=by,
        at=now,
        fields={"of": "personal data"},
    )
    session.flush()
    return row.flow_run_id


def ended_before(session: Session, workflow: str, moment: datetime, most: int) -> list[str]:
    """Give the cases that ended before a moment and still hold something about people."""
    return list(
        session.exec(
            select(CaseRow.id)
            .where(
                CaseRow.workflow == workflow,
                col(CaseRow.closed_at) < moment,
                col(CaseRow.id).in_(select(Personal.case_id)),
            )
            .order_by(col(CaseRow.closed_at))
            .limit(most)
        ).all()
    )
