"""Whoever changes, removes or cuts off a row of the ledger is found out."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel

from integrations.database import engine
from integrations.databases import ensure_database
from rollout.ledger import note
from rollout.seals import Head, check, head, linked, seal

WHEN = datetime(2026, 11, 2, 9, tzinfo=UTC)
ROWS = 60
TAMPERINGS = {
    "a field": "update ledger set fields = fields || '{{\"n\": -1}}' where seq = {seq}",
    "an actor": "update ledger set actor = 'nobody' where seq = {seq}",
    "a time": "update ledger set at = at + interval '1 microsecond' where seq = {seq}",
    "a step": "update ledger set step = null where seq = {seq}",
    "a row": "delete from ledger where seq = {seq}",
    "a row and its seal": (
        "delete from ledger where seq = {seq}; delete from seal where seq = {seq}"
    ),
    "a seal": "update seal set hash = md5(hash) || md5('') where seq = {seq}",
    "the end": "delete from ledger where seq >= {seq}; delete from seal where seq >= {seq}",
    "two rows": (
        "update ledger set actor = case actor when 'a' then 'b' else 'a' end "
        "where seq in ({seq}, {seq} + 1)"
    ),
}


@pytest.fixture(scope="module")
def books(database: str) -> Iterator[Engine]:
    """A database of its own, with a ledger of some rows, all sealed."""
    kept = engine(ensure_database(database, "books"))
    SQLModel.metadata.create_all(kept)
    with Session(kept) as session:
        for number in range(ROWS):
            note(
                session,
                workflow="w",
                case_id=f"C-{number % 7}",
                step=f"step-{number}",
                kind="noted",
                actor="ab"[number % 2],
                at=WHEN,
                fields={"n": number},
            )
        session.commit()
        seal(session, WHEN)
        session.commit()
    yield kept
    kept.dispose()


@pytest.fixture
def session(books: Engine) -> Iterator[Session]:
    """What a test does to the books is rolled back."""
    with Session(books) as opened:
        yield opened
        opened.rollback()


def tampered(session: Session, how: str, row: int) -> tuple[str, ...]:
    """Tamper with a row, check against the head that was published, and undo it."""
    published = [head(session)]
    nested = session.begin_nested()
    for statement in TAMPERINGS[how].format(seq=row).split("; "):
        session.execute(text(statement))
    found = check(session, published).faults
    nested.rollback()
    return found


def test_an_honest_ledger_is_whole(session: Session) -> None:
    verdict = check(session, [head(session)])

    assert (verdict.rows, verdict.sealed, verdict.unsealed) == (ROWS, ROWS, 0)
    assert verdict.faults == ()


def test_sealing_again_seals_nothing_twice(session: Session) -> None:
    assert seal(session, WHEN) == 0
    assert head(session).length == ROWS


def test_what_is_new_is_not_sealed_yet_and_no_fault(session: Session) -> None:
    note(session, workflow="w", kind="noted", actor="a", at=WHEN, fields={})

    assert check(session).unsealed == 1
    assert check(session).faults == ()
    assert seal(session, WHEN) == 1


def test_a_row_that_was_committed_late_is_sealed_after_the_others(session: Session) -> None:
    session.execute(text("delete from seal"))
    late = session.execute(text("select min(seq) from ledger")).scalar_one()
    session.execute(
        text("create temp table kept as select * from ledger where seq = :n"), {"n": late}
    )
    session.execute(text("delete from ledger where seq = :n"), {"n": late})
    seal(session, WHEN)
    session.execute(text("insert into ledger overriding system value select * from kept"))

    assert seal(session, WHEN) == 1
    assert check(session).faults == ()


@pytest.mark.parametrize("how", TAMPERINGS)
def test_every_kind_of_tampering_is_found(session: Session, how: str) -> None:
    row = session.execute(text("select min(seq) + 20 from ledger")).scalar_one()

    assert tampered(session, how, row)


def test_a_thousand_random_tamperings_are_found(session: Session) -> None:
    dice = random.Random(20261125)
    first, last = session.execute(text("select min(seq), max(seq) from ledger")).one()
    missed = [
        (how, row)
        for how, row in (
            (dice.choice(list(TAMPERINGS)), dice.randint(first, last - 1)) for _ in range(1_000)
        )
        if not tampered(session, how, row)
    ]

    assert missed == []


def test_a_chain_that_was_made_anew_is_not_the_published_one(session: Session) -> None:
    published = [head(session)]
    session.execute(text("update ledger set actor = 'somebody else'"))
    session.execute(text("delete from seal"))
    seal(session, WHEN)

    assert check(session).faults == ()
    assert check(session, published).faults == (
        f"the seal of row {session.execute(text('select max(seq) from ledger')).scalar_one()} "
        "is not the one that was published",
    )


def test_a_cut_is_told_by_the_published_length(session: Session) -> None:
    published = [head(session)]
    session.execute(text("delete from ledger where seq > (select max(seq) - 5 from ledger)"))
    session.execute(text("delete from seal where position > :n"), {"n": ROWS - 5})

    assert check(session, published).faults == (f"the ledger ends before row {ROWS} of its chain",)


def test_a_head_is_one_line() -> None:
    assert str(Head(3, linked("a", "b"))) == f"3 {linked('', 'ab')}"


@pytest.mark.parametrize("table", ["ledger", "seal"])
@pytest.mark.parametrize("do", ["update {} set at = now()", "delete from {}", "truncate {}"])
def test_the_database_itself_lets_nobody_change_what_stands(
    database: str, table: str, do: str
) -> None:
    with Session(engine(database)) as session, pytest.raises(DBAPIError, match="only grows"):
        session.execute(text(do.format(table)))
