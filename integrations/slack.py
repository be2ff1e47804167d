"""
A Slack channel, through its incoming webhook.

It knows no keys and shows nothing of what was posted: a message whose answer got lost may or may
not stand there. Its address is the secret.
"""

import json
from typing import Self
from urllib.parse import urlsplit

from integrations.pace import Pace
from integrations.web import Web


class Slack:
    """One channel. Raises `Unavailable` and `Refused`."""

    def __init__(self, web: Web, path: str) -> None:
        self._web = web
        self._path = path  #: a secret, so that it is in no stored request

    @classmethod
    def at(cls, url: str, timeout: float = 10.0, *, pace: Pace | None = None) -> Self:
        """Connect to a webhook's address."""
        place = urlsplit(url)
        web = Web("Slack", f"{place.scheme}://{place.netloc}", timeout=timeout, pace=pace)
        return cls(web, place.path)

    async def close(self) -> None:
        """Close the connections."""
        await self._web.__aexit__()

    async def send(self, content: bytes) -> str:
        """Send stored bytes; Slack names nothing that could be found again."""
        await self._web.deliver("POST", self._path, content)
        return ""


def message(text: str) -> bytes:
    """
    Build the write that posts a text as it is: nothing in it becomes a link, a mention or markup.

    The three characters that Slack reads as markup are escaped as its documentation says.
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    block = {"type": "section", "text": {"type": "plain_text", "text": text[:3000]}}
    words = {"text": plain[:3000], "mrkdwn": False, "blocks": [block], "unfurl_links": False}
    return json.dumps(words, ensure_ascii=False).encode()
