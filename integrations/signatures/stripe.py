"""Stripe's signature: one header with a time and one or several HMAC-SHA256 over time and body."""

from integrations.signatures.incoming import (
    BadSignature,
    Incoming,
    check_age,
    keyed,
    must_equal,
)


def check(secret: str, incoming: Incoming) -> None:
    """Check `stripe-signature`; one of its `v1` is enough. The event's id is in the body."""
    parts = [
        tuple(one.strip().split("=", 1))
        for one in incoming.headers["stripe-signature"].split(",")
        if "=" in one
    ]
    told = next(value for name, value in parts if name == "t")
    check_age(int(told), incoming.at)
    expected = keyed(secret, told.encode() + b"." + incoming.body).hex()
    for name, value in parts:
        if name == "v1":
            try:
                must_equal(value, expected)
            except BadSignature:
                continue
            return
    raise BadSignature("none of them")
