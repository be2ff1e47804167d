"""
Signed links: whom one lets answer, which question about which action, until when.

Whoever has a link acts as the person it names; it cannot be altered, and it runs out. The key is
this installation's own (TAXIWAY_LINK_KEY), and another key ends every link at once.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from itsdangerous import BadData, URLSafeSerializer

PURPOSE = "taxiway.review"  #: so that a signature is good for nothing else


class LinkRefused(Exception):
    """The link is good for nothing; the message is for the person who followed it."""


class LinkExpired(LinkRefused):
    """It was good once."""


@dataclass(frozen=True)
class Pass:
    """What a link says."""

    person: str
    review: str
    action_hash: str
    until: int  #: seconds since 1970


def token_of(held: Pass, key: str) -> str:
    """Give the last part of a link."""
    return str(URLSafeSerializer(key, salt=PURPOSE).dumps(asdict(held)))


def read_token(token: str, key: str, now: datetime) -> Pass:
    """Read a link's last part; raises `LinkRefused`, and `LinkExpired` after its time."""
    try:
        held = Pass(**URLSafeSerializer(key, salt=PURPOSE).loads(token))
    except (BadData, TypeError):
        raise LinkRefused("This link is not whole: open it from the message again.") from None
    if now.timestamp() >= held.until:
        raise LinkExpired("This link has run out. `taxiway reviews` lists what is still open.")
    return held
