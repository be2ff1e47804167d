"""An event is kept once, and asked for once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import select

from integrations.database import transaction
from rollout.errors import EventIdReused
from rollout.inbox import Arrival, Errand, ErrandKind, ask, next_errands, postpone, receive
from tests.rollout.trial import WHEN


def came(ext_id: str, body: bytes) -> tuple[str, bool]:
    with transaction() as session:
        arrival, fresh = receive(
            session, source="website", ext_id=ext_id, workflow="w", body=body, now=WHEN
        )
        return arrival.id, fresh


def test_a_redelivery_is_the_same_event(database: str) -> None:
    del database
    event = uuid4().hex
    first, fresh = came(event, b"{}")
    second, again = came(event, b"{}")

    assert (first, fresh, again) == (second, True, False)


def test_the_same_id_with_another_body_is_refused_and_the_first_one_kept(database: str) -> None:
    del database
    event = uuid4().hex
    first, _ = came(event, b"{}")

    with pytest.raises(EventIdReused, match="The first one is kept"):
        came(event, b'{"a":1}')
    with transaction() as session:
        assert session.get_one(Arrival, first).body == b"{}"


def test_an_errand_is_asked_once_and_put_off_longer_each_time(database: str) -> None:
    del database
    key = uuid4().hex
    with transaction() as session:
        for _ in range(2):
            ask(session, ErrandKind.START, dedupe=key, now=WHEN, inbox_id="x")
        errand = session.exec(select(Errand).where(Errand.dedupe == key)).one()
        for wait in (1, 2, 4):
            postpone(session, errand.id or 0, "away", WHEN)
            session.refresh(errand)
            assert errand.not_before == WHEN + timedelta(seconds=wait)
        due = [one.dedupe for one in next_errands(session, WHEN + timedelta(seconds=3), 10_000)]
        errand.done_at = WHEN
        session.add(errand)

    assert key not in due
