"""Slack's signature: HMAC-SHA256 over version, time and body."""

from integrations.signatures.incoming import Incoming, check_age, keyed, must_equal


def check(secret: str, incoming: Incoming) -> None:
    """Check `x-slack-signature`; the event's id is in the body."""
    told = incoming.headers["x-slack-request-timestamp"]
    check_age(int(told), incoming.at)
    signed = b"v0:" + told.encode() + b":" + incoming.body
    must_equal(incoming.headers["x-slack-signature"], f"v0={keyed(secret, signed).hex()}")
