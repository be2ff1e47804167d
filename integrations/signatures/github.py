"""GitHub's signature: HMAC-SHA256 over the body alone; the delivery's id is what is repeated."""

from integrations.signatures.incoming import Incoming, keyed, must_equal


def check(secret: str, incoming: Incoming) -> str:
    """Check `x-hub-signature-256`. It says no time: a replay is told by the delivery's id."""
    expected = f"sha256={keyed(secret, incoming.body).hex()}"
    must_equal(incoming.headers["x-hub-signature-256"], expected)
    return incoming.headers["x-github-delivery"]
