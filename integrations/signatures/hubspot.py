"""
HubSpot's signature, version 3: Base64 of HMAC-SHA256 over method, URI, body and time.

The URI is the one that HubSpot called, its escapes of reserved characters undone; see
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

import base64
import re
from urllib.parse import unquote

from integrations.signatures.incoming import Incoming, check_age, keyed, must_equal

ESCAPED = re.compile(r"%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


def check(secret: str, incoming: Incoming) -> None:
    """Check `x-hubspot-signature-v3`; the time is in milliseconds. Events carry their own ids."""
    told = incoming.headers["x-hubspot-request-timestamp"]
    check_age(int(told) / 1000, incoming.at)
    uri = ESCAPED.sub(lambda found: unquote(found[0]), incoming.url)
    signed = incoming.method.encode() + uri.encode() + incoming.body + told.encode()
    expected = base64.b64encode(keyed(secret, signed)).decode()
    must_equal(incoming.headers["x-hubspot-signature-v3"], expected)
