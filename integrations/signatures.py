"""Who sent a webhook: signatures by the Standard Webhooks specification."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook


class BadSignature(Exception):
    """The signature does not hold; the message says nothing that would help to forge one."""


def sign(secret: str, event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Give the headers that prove who sent a body, and when; `at` has its zone."""
    at = at.astimezone(UTC)  # the library takes any clock face for UTC
    signature = Webhook(secret).sign(event_id, at, body.decode())
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> None:
    """
    Raise `BadSignature` unless one of the secrets signed this body within the last 5 minutes.

    Several secrets are for the days of a rotation. Whatever goes wrong while verifying, an odd
    header or a body that is not text, counts as a bad signature.
    """
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except Exception:  # noqa: BLE001, S112 # see above: any failure is a failed proof
            continue
        return
    raise BadSignature("the signature, its time or its id does not hold")
