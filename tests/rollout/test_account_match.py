"""Which company a lead belongs to, and when nobody can be sure."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.account_match import Company, Match, Signs, domain_of, match_account, plain_name

SIGNS = Signs(
    email_domain="ridge.example",
    website="ridge.example",
    name="Ridge Works GmbH",
    country="DE",
    phone="+49 89 1234567",
)
OLD, NEW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)


def company(number: str, **more: object) -> Company:
    return Company.model_validate({"id": number, **more})


@pytest.mark.parametrize(
    ("known", "points", "by"),
    [
        ({"domain": "Ridge.example"}, 100, ("email domain", "website")),
        ({"name": "RIDGE WORKS", "country": "DE"}, 40, ("name and country",)),
        ({"name": "Ridge Works AG", "country": "FR"}, 25, ("name",)),
        ({"phone": "0049 (89) 123-4567"}, 30, ("phone",)),
    ],
)
def test_each_sign_has_its_points(known: dict[str, str], points: int, by: tuple[str, ...]) -> None:
    found = match_account(SIGNS, [company("1", **known)])
    assert (found.points, found.by) == (points, by)


def test_a_company_without_a_sign_is_no_match() -> None:
    assert match_account(SIGNS, [company("1", name="Other", phone="1")]) == Match()
    assert match_account(Signs(), [company("1", name="", domain="", phone="")]) == Match()


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"contacts": 9}, {"contacts": 3, "open_deals": 5}),
        ({"open_deals": 5}, {"open_deals": 0}),
        ({"created_at": OLD}, {"created_at": NEW}),
        ({"created_at": NEW}, {}),
    ],
)
def test_a_tie_goes_to_contacts_then_deals_then_age(
    better: dict[str, object], worse: dict[str, object]
) -> None:
    one = company("2", domain="ridge.example", **better)
    other = company("1", domain="ridge.example", **worse)
    found = match_account(SIGNS, [other, one])

    assert (found.company, found.strangers) == (one, (other,))


def test_what_is_nearly_as_good_is_a_rival() -> None:
    signs = Signs(email_domain="mail.example", website="site.example")
    one, other = company("1", domain="mail.example"), company("2", domain="site.example")
    found = match_account(signs, [other, one])

    assert (found.company, found.points, found.rivals) == (one, 60, (other,))


def test_what_is_clearly_better_has_no_rivals() -> None:
    found = match_account(
        SIGNS, [company("1", domain="ridge.example"), company("2", name="Ridge Works")]
    )
    assert (found.company and found.company.id, found.rivals) == ("1", ())


def test_relatives_of_different_owners_are_a_family_conflict_and_no_strangers() -> None:
    parent = company("1", domain="ridge.example", owner_id="7", contacts=9)
    child = company("2", domain="ridge.example", owner_id="8", parent_id="1")
    sister = company("3", domain="ridge.example", owner_id="7", parent_id="1")
    found = match_account(SIGNS, [parent, child, sister])

    assert (found.company, found.family, found.strangers) == (parent, (child,), ())


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("a@Ridge.example", "ridge.example"),
        ("https://www.ridge.example/about", "ridge.example"),
        ("ridge.example:8080/x", "ridge.example"),
        ("no domain", None),
        ("", None),
        (None, None),
    ],
)
def test_a_domain_is_read_from_addresses_and_websites(
    address: str | None, domain: str | None
) -> None:
    assert domain_of(address) == domain


def test_a_name_is_compared_without_its_legal_form() -> None:
    assert plain_name("Ridge-Works GmbH & Co. KG") == plain_name("ridge works") == "ridge works"


companies = st.lists(
    st.builds(
        Company,
        id=st.uuids().map(str),
        domain=st.sampled_from([None, "ridge.example", "other.example"]),
        name=st.sampled_from([None, "Ridge Works", "Other"]),
        contacts=st.integers(0, 3),
    ),
    max_size=6,
)


@given(companies, st.randoms())
def test_the_order_of_a_search_never_decides(found: list[Company], dice: st.DataObject) -> None:
    shuffled = list(found)
    dice.shuffle(shuffled)  # type: ignore[attr-defined] # a Random
    assert match_account(SIGNS, shuffled) == match_account(SIGNS, found)
