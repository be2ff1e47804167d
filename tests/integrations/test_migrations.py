"""The schema: revisions give exactly the tables, take over old databases, refuse newer ones."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, inspect, text

from integrations.database import driven
from integrations.databases import ensure_database
from integrations.migrations import SchemaTooNew, differences, head, revision_of, upgrade
from tests.revision import import_all_tables

import_all_tables()


@pytest.fixture
def empty(database: str) -> Iterator[Connection]:
    """A connection to a database with nothing in it."""
    engine = create_engine(driven(ensure_database(database, f"empty_{uuid4().hex}")))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_all_revisions_together_give_exactly_the_tables(empty: Connection) -> None:
    assert differences(empty), "an empty database lacks something"
    upgrade(empty)

    assert differences(empty) == []
    assert revision_of(empty) == head()


def test_a_database_from_before_there_were_revisions_keeps_what_it_holds(empty: Connection) -> None:
    upgrade(empty, "0001")
    empty.execute(text("drop table alembic_version, seal"))  # the seal came last
    empty.execute(text("insert into alias values ('L-1', 'email', 'a@x.example')"))
    upgrade(empty)

    assert empty.execute(text("select case_id from alias")).scalars().all() == ["L-1"]
    assert differences(empty) == []


def test_the_sheets_of_the_first_version_stay_in_force(empty: Connection) -> None:
    upgrade(empty, "0001")
    empty.execute(text("insert into territory values ('DE', 'SMB', 'DACH SMB', 'dach-smb')"))
    empty.execute(text("insert into roster values ('dach-smb', 'a@x.example', 'retail', '', '')"))
    upgrade(empty)
    there = "select team from territory_row join sheet on sheet.id = sheet_id where kind = "
    seats = "select owner_email, weight, daily_cap from roster_row"

    assert empty.execute(text(f"{there}'territories'")).scalars().all() == ["dach-smb"]
    assert empty.execute(text(seats)).tuples().all() == [("a@x.example", 1, None)]


def test_writes_of_an_older_version_keep_what_they_were(empty: Connection) -> None:
    upgrade(empty, "0003")
    names = (
        "key, case_id, workflow, step, action, target, action_hash, basis, placed_at, "
        "policy_version, method, path, body, body_sha, expected, noted, state, attempt, fence, "
        "made_at, because"
    )
    values = "'k','L-1','w','owner','a','t','h','agent','full','p','PATCH','/','','','{}','{}',"
    empty.execute(
        text(f"insert into effect ({names}) values ({values}'done',1,1,now(),'accepted')")
    )
    upgrade(empty)

    found = empty.execute(text("select state, changes, amount, undoes from effect"))
    assert found.tuples().all() == [("done", {}, 0, None)]


def test_to_upgrade_again_changes_nothing(empty: Connection) -> None:
    upgrade(empty)
    upgrade(empty)

    assert revision_of(empty) == head()


def test_a_database_that_a_newer_version_has_used_is_refused_and_left_alone(
    empty: Connection,
) -> None:
    upgrade(empty)
    empty.execute(text("update alembic_version set version_num = '9999'"))
    before = inspect(empty).get_table_names()

    with pytest.raises(SchemaTooNew, match="a newer Taxiway has used it"):
        upgrade(empty)
    assert (revision_of(empty), inspect(empty).get_table_names()) == ("9999", before)
