"""What a release has shown is also another one's, where both answer alike."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from rollout.authority import Authority
from rollout.contract import Contract
from rollout.ledger import Entry
from rollout.releases import line_of, see
from rollout.shadow import take_human_decision
from rollout.tallies import tally_of
from rollout.track_record import track_record
from tests.rollout.sessions import with_people as session
from tests.rollout.test_effects import climb
from tests.rollout.test_releases import FIRST, SOON, other
from tests.rollout.trial import WHEN, contract
from tests.rollout.weeks import HUMANS, decided, watched

__all__ = ["session"]  # a fixture


@pytest.fixture
def agreed(session: Session) -> Contract:
    made = contract()
    climb(session, made, Authority.SHADOW)
    return made


def test_evidence_of_a_release_that_answers_alike_counts_and_no_other(
    session: Session, agreed: Contract
) -> None:
    known = {
        "a": FIRST,
        "b": other(description="same"),
        "c": other(description="another word"),
        "d": other(model="m-2", description="same"),
        "e": other(calibrated_on=500),
    }
    for place, (name, manifest) in enumerate(known.items()):
        see(session, agreed.workflow, name, manifest, WHEN)
        at = WHEN + timedelta(minutes=place)
        case = watched(session, agreed, HUMANS[0], at, said={"release": name})
        take_human_decision(session, agreed, case.id, decided(HUMANS[0], at), at)
    lines = {name: line_of(session, agreed.workflow, name) for name in known}

    assert lines["a"] == lines["b"] == lines["c"] == ("a", "b", "c")
    assert (lines["d"], lines["e"]) == (("d",), ("e",))
    assert line_of(session, agreed.workflow, "never seen") == ("never seen",)
    found = {name: tally_of(session, agreed, name, SOON).n for name in known}
    assert found == {"a": 3, "b": 3, "c": 3, "d": 1, "e": 1}
    assert len(track_record(session, agreed, "b", SOON).blind) == 3


def test_it_is_on_record_whose_evidence_a_new_release_takes_over(
    session: Session, agreed: Contract
) -> None:
    see(session, agreed.workflow, "a", FIRST, WHEN)
    for _ in range(2):
        see(session, agreed.workflow, "b", other(description="same"), WHEN)
    noted = select(Entry).where(Entry.workflow == agreed.workflow, Entry.kind == "release")
    rows = session.exec(noted.order_by(col(Entry.seq))).all()
    assert [(row.fields["release"], row.fields["evidence_of"]) for row in rows] == [
        ("a", []),
        ("b", ["a"]),
    ]
