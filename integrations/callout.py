"""
A system that takes work over: a signed webhook of ours, by the Standard Webhooks specification.

Its `webhook-id` is the write's idempotency key: a receiver that keeps to the specification takes
the same id once, so that a call whose answer got lost can be made again.
"""

from typing import Self
from urllib.parse import urlsplit

from integrations.clock import now
from integrations.signatures import sign
from integrations.web import Web


class Callout:
    """One system. Raises `Unavailable` and `Refused`."""

    def __init__(self, web: Web, path: str, secret: str) -> None:
        self._web, self._path, self._secret = web, path, secret

    @classmethod
    def at(cls, name: str, url: str, secret: str, timeout: float = 10.0) -> Self:
        """Connect to a system's address."""
        place = urlsplit(url)
        return cls(
            Web(name, f"{place.scheme}://{place.netloc}", timeout=timeout),
            place.path or "/",
            secret,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._web.__aexit__()

    async def send(self, key: str, content: bytes) -> str:
        """Send stored bytes under a key; gives the id that the system answers with, if it does."""
        headers = sign(self._secret, key, now(), content)
        answer = await self._web.deliver(
            "POST", self._path, content, {**headers, "Content-Type": "application/json"}
        )
        return str(answer.content.get("id", "")) if isinstance(answer.content, dict) else ""
