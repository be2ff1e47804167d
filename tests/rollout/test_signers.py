"""Who signs a rise: two of its owners, and not whoever made what is to be judged."""

from dataclasses import replace
from datetime import datetime

import pytest
from sqlmodel import Session

from rollout.agreements import Part, agree
from rollout.answers import Proof
from rollout.authority import Authority, Grant
from rollout.contract import Contract
from rollout.errors import Invalid, NotYours
from rollout.gates import Policy
from rollout.grants import change, current
from rollout.people import Directory, read_directory
from rollout.people_sheet import parse
from rollout.releases import see
from rollout.rising import RiseRow, ask_to_rise, sign
from tests.rollout.sessions import with_people as session
from tests.rollout.test_people import SAMPLE
from tests.rollout.trial import WHEN, contract
from tests.rollout.weeks import weeks

__all__ = ["session"]  # a fixture

BARS = Policy()


@pytest.fixture
def people(session: Session) -> Directory:
    return read_directory(session)


@pytest.fixture
def agreed(session: Session) -> Contract:
    """A contract whose agent watches."""
    made = contract()
    change(session, made, Authority.SHADOW, by="ines", because="first look", now=WHEN)
    return made


def ready(session: Session, agreed: Contract) -> tuple[int, datetime]:
    at = weeks(session, agreed)
    row = ask_to_rise(session, agreed, BARS, by="ines", because="good", now=at)
    assert row.id is not None
    return row.id, at


def test_only_its_owners_sign_and_it_takes_two(
    session: Session, agreed: Contract, people: Directory
) -> None:
    number, at = ready(session, agreed)
    with pytest.raises(NotYours, match=r"waits for business \(vp-sales\) and governance"):
        sign(session, people, agreed, BARS, number, by="karim", proof=Proof.HOST, now=at)
    sign(session, people, agreed, BARS, number, by="ines", proof=Proof.HOST, now=at)
    with pytest.raises(NotYours, match=r"waits for governance \(risk-office\), and ines"):
        sign(session, people, agreed, BARS, number, by="ines", proof=Proof.HOST, now=at)
    assert current(session, agreed.workflow).authority is Authority.SHADOW


def test_one_person_in_both_roles_is_one_signature(session: Session, agreed: Contract) -> None:
    number, at = ready(session, agreed)
    both = parse(SAMPLE.replace('members = ["ruth"]', 'members = ["ruth", "ines"]'))
    sign(session, both, agreed, BARS, number, by="ines", proof=Proof.HOST, now=at)
    with pytest.raises(NotYours, match="it takes two people"):
        sign(session, both, agreed, BARS, number, by="ines", proof=Proof.HOST, now=at)


def test_a_name_that_is_only_declared_signs_where_the_contract_takes_that(
    session: Session, agreed: Contract, people: Directory
) -> None:
    number, at = ready(session, agreed)
    strict = replace(agreed, proof="link")
    with pytest.raises(Invalid, match="proven by link here; ines was only declared"):
        sign(session, people, strict, BARS, number, by="ines", proof=Proof.DECLARED, now=at)
    row = sign(session, people, strict, BARS, number, by="ines", proof=Proof.HOST, now=at)
    assert isinstance(row, RiseRow)
    assert row.signatures["business"]["proof"] == "host"


def test_whoever_wrote_the_release_does_not_sign_for_it(
    session: Session, agreed: Contract, people: Directory
) -> None:
    see(session, agreed.workflow, "r", {"name": "x", "author": people.people["ines"].mail}, WHEN)
    number, at = ready(session, agreed)
    with pytest.raises(NotYours, match="ines wrote release r: somebody else must sign"):
        sign(session, people, agreed, BARS, number, by="ines", proof=Proof.HOST, now=at)
    sign(session, people, agreed, BARS, number, by="ruth", proof=Proof.HOST, now=at)
    assert current(session, agreed.workflow).authority is Authority.SHADOW


def test_whoever_agreed_last_to_its_bars_does_not_sign(session: Session, agreed: Contract) -> None:
    both = parse(SAMPLE.replace('members = ["lena", "jan"]', 'members = ["lena", "ruth"]'))
    agree(session, both, agreed, Part.BARS, by="ruth", because="higher ones", now=WHEN)
    number, at = ready(session, agreed)
    with pytest.raises(NotYours, match="ruth agreed last to the bars of the gates"):
        sign(session, both, agreed, BARS, number, by="ruth", proof=Proof.HOST, now=at)

    agree(session, both, agreed, Part.BARS, by="lena", because="looked again", now=WHEN)
    sign(session, both, agreed, BARS, number, by="ines", proof=Proof.HOST, now=at)
    last = sign(session, both, agreed, BARS, number, by="ruth", proof=Proof.HOST, now=at)
    assert isinstance(last, Grant)
