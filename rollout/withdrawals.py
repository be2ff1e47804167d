"""Questions that nobody has to answer any more: their case ended, or the stage was lowered."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from rollout.authority import Authority
from rollout.case import CaseRow
from rollout.contract import Contract
from rollout.grants import granted
from rollout.inbox import ErrandKind, ask
from rollout.ledger import note
from rollout.notices import Event, News, announce
from rollout.reviews import ReviewRow, Status


def withdraw_abandoned(session: Session, now: datetime) -> int:
    """Withdraw the questions of cases that have ended another way; gives how many."""
    ended = select(CaseRow.id).where(col(CaseRow.ending).is_not(None))
    rows = session.exec(
        update(ReviewRow)
        .where(col(ReviewRow.status) == Status.OPEN, col(ReviewRow.case_id).in_(ended))
        .values(status=Status.WITHDRAWN, closed_at=now)
        .returning(col(ReviewRow.id))
    ).all()
    return len(rows)


def withdraw_lowered(session: Session, contracts: Sequence[Contract], now: datetime) -> int:
    """
    Withdraw the questions of workflows that may not write any more; gives how many.

    Whoever was asked is told, and each case goes on to the person who has it without an answer.
    A stop alone withdraws nothing: it may be over in a minute. Its revival lowers the stage.
    """
    count = 0
    for contract in contracts:
        grant = granted(session, contract.workflow)
        if grant.authority.height > Authority.SHADOW.height:
            continue
        rows = session.exec(
            update(ReviewRow)
            .where(
                col(ReviewRow.status) == Status.OPEN,
                col(ReviewRow.workflow) == contract.workflow,
            )
            .values(status=Status.WITHDRAWN, closed_at=now)
            .returning(
                col(ReviewRow.id),
                col(ReviewRow.case_id),
                col(ReviewRow.group),
                col(ReviewRow.flow_run_id),
            )
        ).all()
        for review_id, case_id, group, run in rows:
            _tell(session, contract, review_id, case_id, group, str(grant), now)
            if run:
                ask(
                    session,
                    ErrandKind.WAKE,
                    dedupe=f"wake:{review_id}",
                    now=now,
                    flow_run_id=run,
                    case_id=case_id,
                    review_id=review_id,
                    verb="reject",  # a word that the form knows; what counts is in the ledger
                )
        count += len(rows)
    return count


def _tell(  # what a withdrawal is about
    session: Session,
    contract: Contract,
    review_id: str,
    case_id: str,
    group: str,
    grant: str,
    now: datetime,
) -> None:
    note(
        session,
        workflow=contract.workflow,
        case_id=case_id,
        step=f"withdrawn:{review_id}",
        kind="withdrawn",
        actor="taxiway",
        at=now,
        fields={"review": review_id, "because": f"the stage is {grant} now"},
    )
    announce(
        session,
        contract,
        News(
            Event.WITHDRAWN,
            key=f"withdrawn:{review_id}",
            subject=f"{review_id}: no answer is needed any more",
            text=f"{contract.workflow} is {grant} now; its case goes to people by hand.",
            to=group,
            case_id=case_id,
        ),
        now,
    )
