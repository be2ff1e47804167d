"""
Who sent a webhook: one file for each style in which senders sign.

A style checks the signature and its age, and gives the id under which the sender sends the same
event again. Several keys are for the days of a rotation. Whatever goes wrong while verifying, an
odd header or a body that is not text, counts as a bad signature.
"""

from collections.abc import Callable, Mapping, Sequence

from integrations.signatures import github, hubspot, slack, standard, stripe
from integrations.signatures.incoming import BadSignature, Incoming
from integrations.signatures.standard import sign

__all__ = ["STYLES", "BadSignature", "Incoming", "sign", "verify"]

Style = Callable[[str, Incoming], str | None]

STYLES: Mapping[str, Style] = {
    "standard": standard.check,
    "hubspot-v3": hubspot.check,
    "github": github.check,
    "slack": slack.check,
    "stripe": stripe.check,
}


def verify(style: str, secrets: Sequence[str], incoming: Incoming) -> str | None:
    """
    Check who sent it; gives the event's id where the style puts one into a header.

    Raises `BadSignature` unless one of the secrets signed exactly this, within the last five
    minutes where the style says when (GitHub's does not).
    """
    for secret in secrets:
        try:
            return STYLES[style](secret, incoming)
        except Exception:  # noqa: BLE001, S112 # see above: any failure is a failed proof
            continue
    raise BadSignature("the signature, its time or its id does not hold")
