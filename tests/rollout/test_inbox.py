"""An event is kept once, and asked for once."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import Session, SQLModel, select

from integrations.database import engine, transaction
from integrations.databases import ensure_database
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


@pytest.mark.system
def test_of_ten_thousand_events_a_fifth_of_them_twice_each_is_kept_once(database: str) -> None:
    apart = engine(ensure_database(database, "inbox"))  # no dispatcher looks at it
    SQLModel.metadata.create_all(apart)
    dice = random.Random(7)
    ids = [f"e-{number}" for number in range(10_000)]
    deliveries = [*ids, *dice.sample(ids, 2_000)]
    dice.shuffle(deliveries)

    def deliver(some: list[str]) -> int:
        with Session(apart) as session:
            new = [
                receive(session, source="s", ext_id=one, workflow="w", body=one.encode(), now=WHEN)[
                    1
                ]
                for one in sorted(some)  # in one order, as rows are locked one after another
            ]
            session.commit()
        return sum(new)

    parts = [deliveries[start : start + 40] for start in range(0, len(deliveries), 40)]
    with ThreadPoolExecutor(8) as threads:
        fresh = sum(threads.map(deliver, parts))
    with Session(apart) as session:
        kept = session.exec(select(Arrival)).all()
        errands = session.exec(select(Errand)).all()
    apart.dispose()

    assert fresh == len(kept) == len(errands) == 10_000
    assert {one.ext_id for one in kept} == set(ids)
    assert sum(one.deliveries for one in kept) == len(deliveries)
