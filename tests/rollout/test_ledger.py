"""The ledger remembers each step once, and keeps persons apart."""

from typing import ClassVar

from sqlmodel import select

from integrations.database import transaction
from rollout.canonical import Json
from rollout.ledger import Entry, Fact, Personal, call_it, recall, remember
from rollout.timeline import find_cases, timeline
from tests.rollout.trial import WHEN, a_case, a_review, contract


class Seen(Fact):
    kind: ClassVar[str] = "seen"
    name: str
    size: int

    def public(self) -> dict[str, Json]:
        return {"size": self.size}


def test_the_first_fact_of_a_step_stands(database: str) -> None:
    del database
    with transaction() as session:
        case = a_case(session, contract())
        for size in (1, 2):
            stands = remember(
                session,
                workflow=case.workflow,
                case_id=case.id,
                step="look",
                fact=Seen(name="Ann", size=size),
                actor="a test",
                at=WHEN,
            )
        read = recall(session, case.id, "look", Seen)

    assert stands == read == Seen(name="Ann", size=1)


def test_the_ledger_row_names_nobody(database: str) -> None:
    del database
    with transaction() as session:
        case = a_case(session, contract())
        remember(
            session,
            workflow=case.workflow,
            case_id=case.id,
            step="look",
            fact=Seen(name="Ann", size=1),
            actor="a test",
            at=WHEN,
        )
        row = session.exec(select(Entry).where(Entry.case_id == case.id)).one()
        apart = session.get_one(Personal, row.seq)

    assert "Ann" not in row.model_dump_json()
    assert apart.payload["name"] == "Ann"


def test_a_case_is_found_by_its_other_names_whatever_their_case(database: str) -> None:
    del database
    with transaction() as session:
        case = a_case(session, contract())
        names = [("email", f"Ann.{case.id}@X.example"), ("contact", f"9{case.id}")]
        call_it(session, case.id, names)

        assert find_cases(session, f"ann.{case.id.lower()}@x.EXAMPLE") == [case.id]
        assert find_cases(session, f"contact/9{case.id}") == [case.id]


def test_a_timeline_survives_the_erasure_of_a_person(database: str) -> None:
    del database
    with transaction() as session:
        case = a_case(session, contract())
        a_review(session, case)
        for row in session.exec(select(Personal).where(Personal.case_id == case.id)).all():
            session.delete(row)
        session.flush()
        told = timeline(session, case.id)

    assert "(erased)" in told[0].why
