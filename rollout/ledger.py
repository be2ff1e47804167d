"""
What happened, once, in order: the ledger, and the personal part that can be erased.

Every step of a case is stored once under (case, step). Whoever comes second, after a crash,
a deploy or a resume, reads the fact that stands instead of acting again. The ledger row keeps
no personal data: only what `Fact.public` gives, and the digest of the rest, which lies in
`personal` and can be erased without touching the ledger.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, Column, Identity, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, SQLModel, col, select

from rollout.canonical import Json, digest
from rollout.columns import document, moment


class Entry(SQLModel, table=True):
    """One fact. Rows are only ever added."""

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("case_id", "step"),
        Index("ix_ledger_kind", "workflow", "kind", "at"),
    )

    seq: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    at: datetime = moment()
    workflow: str
    case_id: str | None = Field(default=None, index=True)
    step: str | None = None  #: unique within the case; None for facts about a workflow
    kind: str
    actor: str
    fields: dict[str, Any] = document()
    personal_sha: str | None = None  #: digest of what lies in `personal`


class Personal(SQLModel, table=True):
    """The part of a fact that is about a person; erased on request or by retention."""

    __tablename__ = "personal"

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    case_id: str = Field(index=True)
    payload: dict[str, Any] = document()


class Alias(SQLModel, table=True):
    """Another name under which people look for a case: an e-mail address, a CRM record."""

    __tablename__ = "alias"

    case_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True, index=True)


ENTRIES, PERSONAL = (SQLModel.metadata.tables[name] for name in ("ledger", "personal"))
#: Made once, and on the tables: a statement of its own for each row takes twice as long.
ADD = (
    insert(ENTRIES)
    .on_conflict_do_nothing(index_elements=["case_id", "step"])
    .returning(ENTRIES.c.seq)
)
ADD_PERSONAL = insert(PERSONAL)


class Fact(BaseModel):
    """A fact of a case. Subclasses say what of it is free of personal data."""

    model_config = ConfigDict(frozen=True)

    kind: ClassVar[str]

    def public(self) -> dict[str, Json]:
        """Give the fields that may stand in the ledger for ever."""
        return {}


F = TypeVar("F", bound=Fact)


def recall(session: Session, case_id: str, step: str, kind: type[F]) -> F | None:
    """Read the fact that stands under (case, step), or None."""
    found = session.exec(
        select(Personal)
        .join(Entry, col(Entry.seq) == col(Personal.seq))
        .where(Entry.case_id == case_id, Entry.step == step)
    ).one_or_none()
    return None if found is None else kind.model_validate(found.payload)


def remember(  # a fact has this many sides
    session: Session, *, workflow: str, case_id: str, step: str, fact: F, actor: str, at: datetime
) -> F:
    """Store a fact under (case, step) unless one stands there; return the one that stands."""
    payload = fact.model_dump(mode="json")
    added = session.execute(
        ADD,
        {
            "at": at,
            "workflow": workflow,
            "case_id": case_id,
            "step": step,
            "kind": fact.kind,
            "actor": actor,
            "fields": fact.public(),
            "personal_sha": digest(payload),
        },
    ).scalar_one_or_none()
    if added is None:
        stands = recall(session, case_id, step, type(fact))
        return fact if stands is None else stands
    session.execute(ADD_PERSONAL, {"seq": added, "case_id": case_id, "payload": payload})
    return fact


def note(
    session: Session,
    *,
    workflow: str,
    kind: str,
    actor: str,
    at: datetime,
    fields: Mapping[str, Json],
    case_id: str | None = None,
    step: str | None = None,
) -> None:
    """Add a row without a personal part; with a step, only the first one counts."""
    session.execute(
        ADD,
        {
            "at": at,
            "workflow": workflow,
            "case_id": case_id,
            "step": step,
            "kind": kind,
            "actor": actor,
            "fields": dict(fields),
            "personal_sha": None,
        },
    )


def note_next(
    session: Session,
    *,
    workflow: str,
    case_id: str,
    kind: str,
    actor: str,
    at: datetime,
    fields: Mapping[str, Json],
) -> int:
    """Add the next row of a kind that may occur again and again; give its number, from 1."""
    so_far = session.exec(
        select(func.count()).where(Entry.case_id == case_id, Entry.kind == kind)
    ).one()
    note(
        session,
        workflow=workflow,
        case_id=case_id,
        step=f"{kind}-{so_far + 1}",
        kind=kind,
        actor=actor,
        at=at,
        fields=fields,
    )
    return so_far + 1


def call_it(session: Session, case_id: str, names: Iterable[tuple[str, str]]) -> None:
    """Let a case be found under other names, each with its kind: `("email", ...)`."""
    for kind, value in names:
        session.execute(
            insert(Alias)
            .values(case_id=case_id, kind=kind, value=value.casefold())
            .on_conflict_do_nothing()
        )


def cases_called(session: Session, name: str) -> list[str]:
    """Give the cases with this id or other name, newest last."""
    rows = session.exec(
        select(Alias.case_id).where(Alias.value == name.casefold()).distinct()
    ).all()
    return sorted(rows)


def story(session: Session, case_id: str) -> Iterator[tuple[Entry, Mapping[str, Any]]]:
    """Give every fact of a case in order, each with its personal part (empty once erased)."""
    rows: Sequence[tuple[Entry, Personal | None]] = session.exec(
        select(Entry, Personal)
        .join(Personal, col(Entry.seq) == col(Personal.seq), isouter=True)
        .where(Entry.case_id == case_id)
        .order_by(col(Entry.seq))
    ).all()
    for entry, personal in rows:
        yield entry, personal.payload if personal else {}
