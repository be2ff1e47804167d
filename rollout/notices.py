"""
Who is told what, and how: one table, and the notices that wait to go out.

A notice is stored in the transaction of what it tells of, and sent afterwards, at least once.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.columns import document, moment
from rollout.contract import Contract

MAIL, SLACK = "mail", "slack"
CONCERNED = "concerned"  #: in the place of a role: whoever the event names


class Event(StrEnum):
    """What people are told of."""

    DEADLINE = "deadline"  #: It is yours; it still waits; it is yours now; it ran out.
    INFO_REQUESTED = "info_requested"
    INFO_GIVEN = "info_given"
    WITHDRAWN = "withdrawn"  #: A question that nobody has to answer any more.
    SECOND_WORD = "second_word"  #: Others have said yes; yours is missing.
    AUTHORITY = "authority"  #: An agent was lowered or stopped.
    OPINIONS = "opinions"  #: Further people are asked who is right.
    SIGNATURE = "signature"  #: Somebody asked for a rise: it takes your word.
    READY = "ready"  #: All gates to the next level pass: somebody may ask for it.
    BACKLOG = "backlog"  #: More waits than will be decided before the office closes.


@dataclass(frozen=True)
class Tell:
    """One role, and the channels on which it is told."""

    role: str  #: one of the five owners, or `CONCERNED`
    channels: tuple[str, ...] = (MAIL, SLACK)


TABLE: Mapping[Event, tuple[Tell, ...]] = {
    Event.DEADLINE: (Tell(CONCERNED),),
    Event.INFO_REQUESTED: (Tell(CONCERNED),),
    Event.INFO_GIVEN: (Tell(CONCERNED, (MAIL,)),),
    Event.WITHDRAWN: (Tell(CONCERNED, (MAIL,)),),
    Event.SECOND_WORD: (Tell(CONCERNED),),
    Event.SIGNATURE: (Tell(CONCERNED),),
    Event.AUTHORITY: (Tell("business"), Tell("technical"), Tell("governance", (MAIL,))),
    Event.OPINIONS: (Tell("reviewer"),),
    Event.READY: (Tell("business"), Tell("governance", (MAIL,))),
    Event.BACKLOG: (Tell("reviewer", (SLACK,)), Tell("process")),
}


class NoticeRow(SQLModel, table=True):
    """One notice to one name."""

    __tablename__ = "notice"

    key: str = Field(primary_key=True)
    event: str
    workflow: str
    case_id: str | None = None
    review_id: str | None = None  #: whose link goes with it
    to: str
    channels: dict[str, Any] = document()  #: {"names": [...]}
    subject: str
    text: str
    made_at: datetime = moment()
    told: dict[str, Any] = document()  #: the ways in which it went out
    over: bool = Field(default=False, index=True)


@dataclass(frozen=True)
class News:
    """Something that people are to be told; the same key is told once."""

    event: Event
    key: str
    subject: str
    text: str
    to: str = ""  #: whom it concerns
    case_id: str | None = None
    review_id: str | None = None


def announce(session: Session, contract: Contract, news: News, now: datetime) -> None:
    """Store a notice for every role that is told of an event."""
    owners = asdict(contract.owners)
    for tell in TABLE[news.event]:
        name = news.to if tell.role == CONCERNED else owners[tell.role]
        session.execute(
            insert(NoticeRow)
            .values(
                key=f"{news.key}:{name}",
                event=news.event,
                workflow=contract.workflow,
                case_id=news.case_id,
                review_id=news.review_id,
                to=name,
                channels={"names": list(tell.channels)},
                subject=news.subject,
                text=news.text,
                made_at=now,
                told={},
                over=False,
            )
            .on_conflict_do_nothing(index_elements=["key"])
        )


def waiting(session: Session, most: int = 200) -> list[NoticeRow]:
    """Give the notices that have not gone out everywhere, the earliest first."""
    return list(
        session.exec(
            select(NoticeRow)
            .where(col(NoticeRow.over).is_(False))
            .order_by(col(NoticeRow.made_at), col(NoticeRow.key))
            .limit(most)
        ).all()
    )


def mark(session: Session, notice: NoticeRow, ways: Collection[str], *, over: bool) -> None:
    """Note in which ways a notice went out, and whether that is all of them."""
    session.execute(
        update(NoticeRow)
        .where(col(NoticeRow.key) == notice.key)
        .values(told={**notice.told, **dict.fromkeys(ways, True)}, over=over)
    )
