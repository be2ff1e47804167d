"""
What the sandbox keeps: objects with their properties, links between them, owners, requests.

One SQLite file. An object remembers when it was written last, since the search index sees it
only some time later, and every owner it ever had.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Properties = dict[str, str]

SCHEMA = """
create table if not exists object (
    type text, id integer, properties text, created real, updated real, archived integer default 0,
    primary key (type, id));
create table if not exists link (
    from_type text, from_id integer, to_type text, to_id integer, kind integer,
    primary key (from_type, from_id, to_type, to_id));
create table if not exists owner (id integer primary key, content text);
create table if not exists owned (
    n integer primary key, type text, id integer, owner text, at real,
    source text default 'INTEGRATION', user integer);
create table if not exists charge (id text primary key, amount integer, currency text);
create table if not exists refund (
    n integer primary key, charge text, amount integer, content text);
create table if not exists keyed (key text primary key, request text, answer text);
create table if not exists request (
    n integer primary key, at real, method text, path text, status integer, applied integer,
    content text);
"""


@dataclass(frozen=True)
class Record:
    """One object as it stands."""

    type: str
    id: int
    properties: Properties
    created: float
    updated: float
    archived: bool


class Store:
    """The sandbox's memory."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.executescript(SCHEMA)
        known = {name for _, name, *_ in self._db.execute("pragma table_info(owned)")}
        for column in ("source text default 'INTEGRATION'", "user integer"):
            if column.split()[0] not in known:  # a store of an earlier version
                self._db.execute(f"alter table owned add column {column}")
        self._lock = threading.RLock()

    @contextmanager
    def whole(self) -> Iterator[sqlite3.Connection]:
        """Make several changes count together or not at all."""
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def put(self, kind: str, properties: Properties, number: int | None = None) -> Record:
        """Create an object, with a number of our own or a given one."""
        moment = time.time()
        if number is None:
            (number,) = self._db.execute(
                "select coalesce(max(id), 100000) + 1 from object where type = ?", (kind,)
            ).fetchone()
        self._db.execute(
            "insert or replace into object (type, id, properties, created, updated) "
            "values (?, ?, ?, ?, ?)",
            (kind, number, json.dumps(properties), moment, moment),
        )
        self._note_owner(kind, int(number or 0), properties, moment)
        return Record(kind, int(number or 0), properties, moment, moment, archived=False)

    def change(self, record: Record, properties: Properties) -> Record:
        """Change some properties of an object."""
        moment = max(time.time(), record.updated + 0.001)
        merged = {**record.properties, **properties}
        self._db.execute(
            "update object set properties = ?, updated = ? where type = ? and id = ?",
            (json.dumps(merged), moment, record.type, record.id),
        )
        self._note_owner(record.type, record.id, properties, moment)
        return Record(record.type, record.id, merged, record.created, moment, record.archived)

    def archive(self, record: Record) -> None:
        """Put an object away; it is not found any more."""
        self._db.execute(
            "update object set archived = 1 where type = ? and id = ?", (record.type, record.id)
        )

    def get(self, kind: str, number: int) -> Record | None:
        """Find an object that is not archived."""
        row = self._db.execute(
            "select type, id, properties, created, updated, archived from object "
            "where type = ? and id = ? and archived = 0",
            (kind, number),
        ).fetchone()
        return _record(row) if row else None

    def all(self, kind: str, *, before: float | None = None) -> list[Record]:
        """Give every object of a kind, by number; with `before`, as last written by then."""
        rows = self._db.execute(
            "select type, id, properties, created, updated, archived from object "
            "where type = ? and archived = 0 and updated <= ? order by id",
            (kind, before if before is not None else time.time() + 60),
        ).fetchall()
        return [_record(row) for row in rows]

    def link(self, one: tuple[str, int], other: tuple[str, int], kind: int) -> None:
        """Associate two objects, both ways."""
        for (a, b), (c, d) in ((one, other), (other, one)):
            self._db.execute(
                "insert or replace into link values (?, ?, ?, ?, ?)", (a, b, c, d, kind)
            )

    def linked(self, kind: str, number: int, to: str) -> list[tuple[int, int]]:
        """Give the (id, association type) of what an object is associated with."""
        return self._db.execute(
            "select to_id, kind from link where from_type = ? and from_id = ? and to_type = ? "
            "order by to_id",
            (kind, number, to),
        ).fetchall()

    def put_owner(self, owner: Mapping[str, Any]) -> None:
        """Create or replace an owner."""
        self._db.execute(
            "insert or replace into owner values (?, ?)", (int(owner["id"]), json.dumps(owner))
        )

    def owners(self) -> list[dict[str, Any]]:
        """Give every owner, by number."""
        rows = self._db.execute("select content from owner order by id").fetchall()
        return [json.loads(content) for (content,) in rows]

    def owner_history(self, kind: str) -> list[dict[str, Any]]:
        """Give every owner that objects of a kind ever had, in order."""
        names = ("id", "owner", "at", "source", "user")
        rows = self._db.execute(
            "select id, owner, at, source, user from owned where type = ? order by n", (kind,)
        ).fetchall()
        return [{**dict(zip(names, row, strict=True)), "id": str(row[0])} for row in rows]

    def assign(self, kind: str, number: int, word: Mapping[str, Any]) -> None:
        """Let somebody, or something, in the CRM itself give an object an owner."""
        at = float(word.get("at") or time.time())
        self._db.execute(
            "update object set properties = json_set(properties, '$.hubspot_owner_id', ?), "
            "updated = ? where type = ? and id = ?",
            (word["owner"], time.time(), kind, number),
        )
        self._db.execute(
            "insert into owned (type, id, owner, at, source, user) values (?, ?, ?, ?, ?, ?)",
            (kind, number, word["owner"], at, word["source"], word.get("user")),
        )

    def note_request(  # the columns of the log
        self, method: str, path: str, status: int, content: object, *, applied: bool
    ) -> None:
        """Keep what was asked; the log is what a trial counts afterwards."""
        self._db.execute(
            "insert into request (at, method, path, status, applied, content) "
            "values (?, ?, ?, ?, ?, ?)",
            (time.time(), method, path, status, int(applied), json.dumps(content)),
        )

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Give the log after entry `since`, oldest first."""
        names = ("n", "at", "method", "path", "status", "applied", "content")
        rows = self._db.execute(
            f"select {', '.join(names)} from request where n > ? order by n",  # noqa: S608 # our own column names
            (since,),
        ).fetchall()
        return [
            {**dict(zip(names, row, strict=True)), "content": json.loads(row[-1])} for row in rows
        ]

    def _note_owner(self, kind: str, number: int, properties: Properties, at: float) -> None:
        if "hubspot_owner_id" in properties:
            self._db.execute(
                "insert into owned (type, id, owner, at) values (?, ?, ?, ?)",
                (kind, number, properties["hubspot_owner_id"], at),
            )


def _record(row: tuple[str, int, str, float, float, int]) -> Record:
    kind, number, properties, created, updated, archived = row
    return Record(kind, number, json.loads(properties), created, updated, bool(archived))
