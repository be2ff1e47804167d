"""
Whether the ledger is still what it was: a chain of hashes over its committed rows.

Rows are sealed a moment after they were committed, in the order in which the sealer saw them: a
chain inside each insert would put all lanes in one line. Each seal is the SHA-256 over the one
before and the row's own bytes, which PostgreSQL writes down as JSON. So a row that is changed,
removed or slipped in breaks the chain; a chain that was cut off at its end is shown by its head
(its length and last hash), which is published in a second place.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import BigInteger, Column, text
from sqlmodel import Field, Session, SQLModel

from rollout.columns import moment

START = "0" * 64  #: what the first seal rests on
BATCH = 5_000  #: rows sealed in one transaction
LATE = 10_000  #: how far behind the last seal a row may still be committed

#: A row's bytes: the same columns in the same order, times as seconds since 1970 in UTC.
BYTES = (
    "jsonb_build_array(l.seq, extract(epoch from l.at), l.workflow, l.case_id, l.step, l.kind, "
    "l.actor, l.fields, l.personal_sha)::text"
)


class Seal(SQLModel, table=True):
    """One link of the chain."""

    __tablename__ = "seal"

    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(BigInteger, unique=True, nullable=False))
    hash: str
    at: datetime = moment()


@dataclass(frozen=True)
class Head:
    """The end of the chain: how many rows it holds, and the last hash."""

    length: int
    hash: str

    def __str__(self) -> str:
        return f"{self.length} {self.hash}"


@dataclass(frozen=True)
class Verdict:
    """What a check has found."""

    rows: int  #: in the ledger
    sealed: int  #: in the chain
    unsealed: int  #: written since the last sealing
    faults: tuple[str, ...]  #: the first ones, in words; empty: the ledger is what it was
    losses: tuple[str, ...] = ()  #: what restorations from backups have lost, as was published


def linked(before: str, content: str) -> str:
    """Give the hash of a link, in hexadecimal."""
    return sha256(f"{before}{content}".encode()).hexdigest()


def head(session: Session) -> Head:
    """Give the end of the chain as the database has it."""
    row = session.execute(
        text("select position, hash from seal order by position desc limit 1")
    ).one_or_none()
    return Head(0, START) if row is None else Head(row[0], row[1])


def seal(session: Session, now: datetime) -> int:
    """Seal at most `BATCH` rows that are committed and have no seal; gives how many."""
    session.execute(text("select pg_advisory_xact_lock(hashtext('taxiway:seal'))"))
    end = head(session)
    rows = session.execute(
        text(
            f"select l.seq, {BYTES} from ledger l where l.seq > "  # noqa: S608 # our own words
            "(select coalesce(max(seq), 0) from seal) - :late "
            "and not exists (select 1 from seal s where s.seq = l.seq) order by l.seq limit :most"
        ),
        {"late": LATE, "most": BATCH},
    ).all()
    made: list[dict[str, Any]] = []
    last = end.hash
    for position, (seq, content) in enumerate(rows, start=end.length + 1):
        last = linked(last, content)
        made.append({"position": position, "seq": seq, "hash": last, "at": now})
    if made:
        session.execute(text("insert into seal values (:position, :seq, :hash, :at)"), made)
    return len(made)


def check(session: Session, published: Iterable[Head] = (), most: int = 20) -> Verdict:
    """
    Read the whole chain again, and hold it against the heads that were published.

    One pass in the order of the seals. A fault names the row by its number in the ledger.
    """
    known = {one.length: one.hash for one in published}
    faults: list[str] = []
    reached, before = 0, START
    with closing(_chain(session)) as chain:
        for position, seq, stands, content in chain:
            hashed = linked(before, content or "")
            if (position, hashed) != (reached + 1, stands) or content is None:
                faults += _of_link(position - reached - 1, seq, content, changed=hashed != stands)
            if position in known and known.pop(position) != stands:
                faults.append(f"the seal of row {seq} is not the one that was published")
            reached, before = position, stands
            if len(faults) >= most:
                return Verdict(*_counts(session), tuple(faults[:most]))
    faults += [f"the ledger ends before row {n} of its chain" for n in sorted(known) if n]
    return Verdict(*_counts(session), tuple(faults[:most]))


def _of_link(missing: int, seq: int, content: str | None, *, changed: bool) -> Iterator[str]:
    if missing:
        yield f"{missing} rows before row {seq} are missing from the chain"
    elif content is None:
        yield f"row {seq} was removed"
    elif changed:
        yield f"row {seq} was changed, or the seal before it"


def _chain(session: Session) -> Generator[tuple[int, int, str, str | None]]:
    """Give every seal with its row's bytes, in order, a few thousand at a time."""
    found = session.execute(
        text(
            f"select s.position, s.seq, s.hash, case when l.seq is null then null else {BYTES} end "  # noqa: S608 # our own words
            "from seal s left join ledger l on l.seq = s.seq order by s.position"
        ),
        execution_options={"stream_results": True, "max_row_buffer": 10_000},
    )
    try:
        yield from (tuple(row) for row in found)
    finally:
        found.close()


def _counts(session: Session) -> tuple[int, int, int]:
    row = session.execute(
        text(
            "select (select count(*) from ledger), (select count(*) from seal), (select count(*) "
            "from ledger l where not exists (select 1 from seal s where s.seq = l.seq))"
        )
    ).one()
    return row[0], row[1], row[2]
