"""What a signature is about: the request as it came."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

OLDEST = 300.0  #: seconds, before and after


class BadSignature(Exception):
    """The signature does not hold; the message says nothing that would help to forge one."""


@dataclass(frozen=True)
class Incoming:
    """A request, with the moment at which it came."""

    body: bytes
    headers: Mapping[str, str]  #: names in lower case
    at: datetime
    method: str = "POST"
    url: str = ""  #: the address that the sender used, as seen from outside


def check_age(seconds: float, at: datetime) -> None:
    """Raise `BadSignature` for a moment, in seconds since 1970, that is not about now."""
    if abs(at.timestamp() - seconds) > OLDEST:
        raise BadSignature("too old")


def keyed(secret: str, content: bytes) -> bytes:
    """Give the HMAC-SHA256 of some bytes."""
    return hmac.new(secret.encode(), content, sha256).digest()


def must_equal(given: str, expected: str) -> None:
    """Compare in constant time; raises `BadSignature`."""
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise BadSignature("not equal")
