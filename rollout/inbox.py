"""
What came in, and what is to be started or woken because of it.

The receiver writes an event and its errand in one transaction and answers 202: from then on
nothing is lost, whether Prefect runs or not. The dispatcher carries out the errands in order.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import uuid4

from sqlalchemy import BigInteger, Column, Identity, UniqueConstraint, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.columns import document, moment, octets
from rollout.errors import EventIdReused


class Arrival(SQLModel, table=True):
    """One event as it came, byte for byte."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("source", "ext_id"),)

    id: str = Field(primary_key=True)  #: opaque; the only thing that Prefect gets to see
    source: str
    ext_id: str
    workflow: str = Field(index=True)
    body_sha: str
    body: bytes = octets()
    received_at: datetime = moment()
    case_id: str | None = Field(default=None, index=True)
    deliveries: int = 1


class ErrandKind(StrEnum):
    """What the dispatcher can be asked to do in Prefect."""

    START = "start"  #: Start a run for an event.
    WAKE = "wake"  #: Resume the run of a case whose review was decided.


class Errand(SQLModel, table=True):
    """Something to be done in Prefect, at least once, in order; each dedupe key once."""

    __tablename__ = "outbox"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    kind: str
    dedupe: str = Field(unique=True)
    payload: dict[str, Any] = document()
    made_at: datetime = moment()
    not_before: datetime = moment()
    done_at: datetime | None = moment(optional=True)
    attempts: int = 0
    last_error: str | None = None


CHANNEL = "taxiway_outbox"  #: the PostgreSQL channel on which a new errand is announced


def receive(
    session: Session, *, source: str, ext_id: str, workflow: str, body: bytes, now: datetime
) -> tuple[Arrival, bool]:
    """
    Keep an event and ask for its run; returns the event and whether it is new.

    The same id with the same body is a redelivery: nothing new is stored. The same id with
    another body raises `EventIdReused`; the first one stays.
    """
    sha = sha256(body).hexdigest()
    made = session.execute(
        insert(Arrival)
        .values(
            id=uuid4().hex,
            source=source,
            ext_id=ext_id,
            workflow=workflow,
            body_sha=sha,
            body=body,
            received_at=now,
            deliveries=1,
        )
        .on_conflict_do_nothing(index_elements=["source", "ext_id"])
        .returning(col(Arrival.id))
    ).scalar_one_or_none()
    if made is not None:
        ask(session, ErrandKind.START, dedupe=f"start:{made}", now=now, inbox_id=made)
        return session.get_one(Arrival, made), True
    first = session.exec(
        select(Arrival).where(Arrival.source == source, Arrival.ext_id == ext_id)
    ).one()
    if first.body_sha != sha:
        raise EventIdReused(
            ext_id,
            f"the event {ext_id} of {source} came at {first.received_at:%Y-%m-%d %H:%M:%S} UTC "
            "with another body. The first one is kept: send the change as a new event.",
        )
    session.execute(
        update(Arrival).where(col(Arrival.id) == first.id).values(deliveries=Arrival.deliveries + 1)
    )
    return first, False


def ask(session: Session, kind: ErrandKind, *, dedupe: str, now: datetime, **payload: str) -> None:
    """Add an errand unless its dedupe key is known, and announce it."""
    session.execute(
        insert(Errand)
        .values(kind=kind, dedupe=dedupe, payload=payload, made_at=now, not_before=now, attempts=0)
        .on_conflict_do_nothing(index_elements=["dedupe"])
    )
    session.execute(text(f"NOTIFY {CHANNEL}"))


def next_errands(session: Session, now: datetime, most: int = 50) -> list[Errand]:
    """Give the errands that are due, oldest first."""
    return list(
        session.exec(
            select(Errand)
            .where(col(Errand.done_at).is_(None), Errand.not_before <= now)
            .order_by(col(Errand.id))
            .limit(most)
        ).all()
    )


def finish(session: Session, errand_id: int, now: datetime) -> None:
    """Mark an errand as done."""
    session.execute(update(Errand).where(col(Errand.id) == errand_id).values(done_at=now))


def postpone(session: Session, errand_id: int, error: str, now: datetime) -> None:
    """Put an errand off after a failure: 1, 2, 4 ... at most 60 seconds."""
    errand = session.get_one(Errand, errand_id)
    errand.attempts += 1
    errand.last_error = error[:500]
    errand.not_before = now + timedelta(seconds=min(60, 2 ** (errand.attempts - 1)))
    session.add(errand)
    session.flush()


def without_case(session: Session, before: datetime) -> dict[str, str]:
    """Give the events without a case whose run was asked for before a moment: id by key."""
    rows = session.exec(
        select(Errand)
        .join(Arrival, col(Errand.payload)["inbox_id"].astext == col(Arrival.id))
        .where(
            Errand.kind == ErrandKind.START,
            col(Arrival.case_id).is_(None),
            col(Errand.done_at) < before,
        )
        .order_by(col(Errand.id))
    ).all()
    return {row.dedupe: row.payload["inbox_id"] for row in rows}


def start_again(session: Session, inbox_id: str, now: datetime) -> None:
    """Ask for another run of an event."""
    asked = session.exec(
        select(func.count()).where(
            Errand.kind == ErrandKind.START,
            col(Errand.payload)["inbox_id"].astext == inbox_id,
        )
    ).one()
    ask(session, ErrandKind.START, dedupe=f"start:{inbox_id}:{asked}", now=now, inbox_id=inbox_id)


def envelope(arrival: Arrival) -> Mapping[str, Any]:
    """Give an event's body as an object; the receiver has checked that it is one."""
    content: dict[str, Any] = json.loads(arrival.body)
    return content
