"""The schema: revisions give exactly the tables, take over old databases, refuse newer ones."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, inspect, text

from integrations import postgres
from integrations.database import driven
from integrations.migrations import SchemaTooNew, differences, head, revision_of, upgrade
from tests.revision import import_all_tables

import_all_tables()


@pytest.fixture
def empty(database: str) -> Iterator[Connection]:
    """A connection to a database with nothing in it."""
    engine = create_engine(driven(postgres.ensure_database(database, f"empty_{uuid4().hex}")))
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
