"""Signatures by the Standard Webhooks specification, through its own library."""

from datetime import UTC, datetime

from standardwebhooks import Webhook

from integrations.signatures.incoming import Incoming


def sign(secret: str, event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Give the headers that prove who sent a body, and when; `at` has its zone."""
    at = at.astimezone(UTC)  # the library takes any clock face for UTC
    signature = Webhook(secret).sign(event_id, at, body.decode())
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def check(secret: str, incoming: Incoming) -> str:
    """Check `webhook-signature` over id, time and body; the library keeps the five minutes."""
    Webhook(secret).verify(incoming.body, dict(incoming.headers), json_parse=False)
    return incoming.headers["webhook-id"]
