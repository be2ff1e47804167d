"""Refunds: once under a key, never more than was paid."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from integrations.errors import NotFound, Refused
from integrations.sandbox.client import Sandbox
from integrations.stripe import Built, Stripe, refund_creation
from tests.sandbox import TOKEN


@pytest.fixture
async def bank(sandbox_url: str) -> AsyncIterator[Stripe]:
    client = Stripe.at(sandbox_url, TOKEN)
    yield client
    await client.close()


@pytest.fixture
def charge(sandbox: Sandbox) -> str:
    """A charge of 100.00 that no other test knows."""
    name = f"ch_{uuid4().hex}"
    sandbox.seed({"charges": [{"id": name, "amount": 100_00, "currency": "eur"}]})
    return name


def refund(charge: str, amount: int = 40_00, reason: str = "requested_by_customer") -> Built:
    return refund_creation(charge=charge, amount=amount, reason=reason, case_id="S-1")


async def test_the_same_key_gives_money_back_once(bank: Stripe, charge: str) -> None:
    first = await bank.send(*refund(charge), key="key-1")
    again = await bank.send(*refund(charge), key="key-1")

    assert again == first
    (given,) = await bank.refunds_of(charge)
    assert (given.id, given.amount, given.currency) == (first, 40_00, "eur")


async def test_the_same_key_with_other_bytes_is_refused(bank: Stripe, charge: str) -> None:
    key = uuid4().hex
    await bank.send(*refund(charge), key=key)
    with pytest.raises(Refused, match="idempotency_error"):
        await bank.send(*refund(charge, 50_00), key=key)


@pytest.mark.parametrize(
    ("wish", "says"),
    [((100_01, "duplicate"), "charge_already_refunded"), ((1, "because"), "parameter_invalid")],
)
async def test_what_cannot_be_given_back_is_refused_and_says_why(
    bank: Stripe, charge: str, wish: tuple[int, str], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        await bank.send(*refund(charge, *wish), key=uuid4().hex)
    assert await bank.refunds_of(charge) == []


async def test_an_unknown_charge_is_not_found(bank: Stripe) -> None:
    with pytest.raises(NotFound, match="resource_missing"):
        await bank.send(*refund("ch_none"), key=uuid4().hex)
