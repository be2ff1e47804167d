"""Who signs a rise: two of its owners, and not whoever made what is to be judged."""

from dataclasses import replace

import pytest
from sqlmodel import Session

from rollout.agreements import Part, agree
from rollout.answers import Proof
from rollout.authority import Authority, Grant
from rollout.contract import Contract
from rollout.errors import Invalid, NotYours
from rollout.gates import Policy
from rollout.grants import current
from rollout.notices import Event, waiting
from rollout.people import Directory
from rollout.people_sheet import parse
from rollout.releases import see
from rollout.rising import RiseRow, sign
from tests.rollout.sessions import with_people as session
from tests.rollout.test_people import SAMPLE
from tests.rollout.trial import WHEN
from tests.rollout.watching import agreed, people, ready

__all__ = ["agreed", "people", "session"]  # fixtures

BARS = Policy()


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


def test_whose_word_it_takes_is_told_with_the_evidence(session: Session, agreed: Contract) -> None:
    ready(session, agreed)
    told = [one for one in waiting(session) if one.workflow == agreed.workflow]
    assert sorted(one.to for one in told) == sorted(
        [agreed.owners.business, agreed.owners.governance]
    )
    for one in told:
        assert one.event == Event.SIGNATURE
        assert one.subject == f"{agreed.workflow} to recommend: your signature is asked for"
        assert "- agreement: pass. it agrees in 120 of 120" in one.text
        assert f"taxiway rollout sign {agreed.workflow}" in one.text
