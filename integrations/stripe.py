"""
Refunds, through the part of Stripe's public API that we use.

A refund carries the effect's key as `Idempotency-Key`: the same key with the same bytes gives the
first answer again, for at least 24 hours.
"""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from integrations.pace import Pace
from integrations.web import Web

REFUNDS = "/v1/refunds"

Built = tuple[str, str, bytes]


@dataclass(frozen=True)
class Refund:
    """Money that was given back; the amount is in minor units."""

    id: str
    charge: str
    amount: int
    currency: str
    status: str


class Stripe:
    """The payment provider. Raises `Unavailable`, `Refused` and `NotFound`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    @classmethod
    def at(cls, url: str, token: str, timeout: float = 10.0, *, pace: Pace | None = None) -> Self:
        """Connect with a restricted key that may read charges and write refunds."""
        return cls(Web("the payment provider", url, token, timeout=timeout, pace=pace))

    async def close(self) -> None:
        """Close the connections."""
        await self._web.__aexit__()

    async def refunds_of(self, charge: str) -> list[Refund]:
        """Read what of a charge was given back already."""
        found = await self._web.read(REFUNDS, {"charge": charge, "limit": "100"})
        return [
            Refund(one["id"], one["charge"], one["amount"], one["currency"], one["status"])
            for one in found["data"]
        ]

    async def send(self, method: str, path: str, content: bytes, key: str) -> str:
        """Send stored bytes under a key; gives the refund's id."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Idempotency-Key": key,
        }
        written = await self._web.send(method, path, content, headers)
        return str(written["id"])


def refund_creation(*, charge: str, amount: int, reason: str, case_id: str) -> Built:
    """Build the write that gives money back, in minor units of the charge's currency."""
    words = {
        "charge": charge,
        "amount": str(amount),
        "reason": reason,
        "metadata[taxiway_case]": case_id,
    }
    return "POST", REFUNDS, urlencode(words).encode()
