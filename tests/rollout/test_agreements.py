"""Who may change what: a changed budget or scope stops new cases until its owner agrees."""

from dataclasses import replace

import pytest
from sqlmodel import Session

from rollout.agreements import (
    Part,
    _written,
    agree,
    agree_at_first,
    agreements,
    digest_of,
    not_agreed,
)
from rollout.contract import ActionRule, Contract, Safety
from rollout.errors import Invalid, NotYours
from rollout.people import Directory
from tests.rollout.sessions import with_people as session
from tests.rollout.trial import WHEN, contract
from tests.rollout.watching import people

__all__ = ["people", "session"]  # fixtures


@pytest.fixture
def first(session: Session) -> Contract:
    made = contract()
    agree_at_first(session, made, WHEN)
    return made


def wider(made: Contract) -> Contract:
    more = ActionRule(name="crm.contact.stage", safety=Safety.SET)
    write = (*made.boundaries.write, more)
    return replace(made, boundaries=replace(made.boundaries, write=write))


def test_the_first_version_is_as_agreed(session: Session, first: Contract) -> None:
    assert not_agreed(session, first) is None
    assert not_agreed(session, replace(first, review_within=first.review_within)) is None


def test_a_larger_budget_is_the_business_owners_to_agree_to(
    session: Session, people: Directory, first: Contract
) -> None:
    dear = replace(first, budget_minor_per_day=99_999)
    assert not_agreed(session, dear) == "changed and not agreed to: money (for vp-sales)"
    with pytest.raises(NotYours, match="vp-sales's to agree to, and noor is not"):
        agree(session, people, dear, Part.MONEY, by="noor", because="x", now=WHEN)
    agree(session, people, dear, Part.MONEY, by="ines", because="more leads", now=WHEN)

    assert not_agreed(session, dear) is None
    assert not_agreed(session, first) is not None  # the old words are not agreed to any more


def test_a_wider_scope_is_the_technical_owners(
    session: Session, people: Directory, first: Contract
) -> None:
    assert not_agreed(session, wider(first)) == (
        "changed and not agreed to: scope (for revenue-platform)"
    )
    with pytest.raises(NotYours):
        agree(session, people, wider(first), Part.SCOPE, by="ines", because="x", now=WHEN)
    agree(session, people, wider(first), Part.SCOPE, by="noor", because="reviewed", now=WHEN)
    assert not_agreed(session, wider(first)) is None


def test_a_field_that_nobody_wrote_is_no_part_of_what_was_agreed(first: Contract) -> None:
    rules = first.boundaries.write
    said = (replace(rules[0], stake=""), *rules[1:])  # its default, written out
    same = replace(first, boundaries=replace(first.boundaries, write=said))
    other = (replace(rules[0], stake="amount"), *rules[1:])
    wide = replace(first, boundaries=replace(first.boundaries, write=other))
    assert digest_of(same, Part.SCOPE) == digest_of(first, Part.SCOPE)
    assert digest_of(wide, Part.SCOPE) != digest_of(first, Part.SCOPE)
    written = _written(first.boundaries)
    assert all("ladder" not in one for one in written["write"])


def test_credentials_are_governances_and_need_a_reason(
    session: Session, people: Directory, first: Contract
) -> None:
    with pytest.raises(Invalid, match="say why"):
        agree(session, people, first, Part.CREDENTIALS, by="ruth", because=" ", now=WHEN)
    agree(session, people, first, Part.CREDENTIALS, by="ruth", because="reviewed", now=WHEN)
    last = dict(agreements(session, first))[Part.CREDENTIALS]
    assert last is not None
    assert (last.by, last.digest) == ("ruth", digest_of(first, Part.CREDENTIALS))
