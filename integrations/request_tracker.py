"""
The helpdesk: Request Tracker 5, through its REST 2 interface.

What its interface keeps to itself, and this file knows: a refused change answers 200 with a
sentence, so every change is read back; a ticket has no place for a foreign key, so ours is a
link (`RefersTo`), which can be looked up; a ticket's version is its last transaction, and a
change over an older one answers 412; how many pages a listing has is told to superusers only.
"""

import json
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

from integrations.errors import Refused, Unavailable
from integrations.pace import Pace
from integrations.web import ADDRESS, Body, Web

ROOT = "/REST/2.0"
MARK = "taxiway:"  #: the scheme of the links that hold our keys
PAGE = 20  #: entries of a history that are read at once, the newest first

Built = tuple[str, str, bytes]


@dataclass(frozen=True)
class Ticket:
    """A ticket as it stands; its version changes with everything that happens to it."""

    id: str
    subject: str
    status: str
    owner: str | None  #: the user's name; None for nobody
    version: str


class RequestTracker:
    """The helpdesk. Raises `Unavailable`, `Refused`, `NotFound` and `Stale`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    @classmethod
    def at(cls, url: str, token: str, timeout: float = 10.0, *, pace: Pace | None = None) -> Self:
        """Connect with an authentication token of a user who may do what is to be done."""
        return cls(Web("the helpdesk", url, token, scheme="token", timeout=timeout, pace=pace))

    async def close(self) -> None:
        """Close the connections."""
        await self._web.__aexit__()

    async def read_ticket(self, ticket_id: str) -> Ticket:
        """Read a ticket and its version."""
        reply = await self._web.fetch(f"{ROOT}/ticket/{ticket_id}")
        found: Body = reply.content
        try:
            owner = found["Owner"]["id"]
            return Ticket(
                id=str(found["id"]),
                subject=found["Subject"],
                status=found["Status"],
                owner=None if owner == "Nobody" else owner,
                version=reply.version,
            )
        except (KeyError, TypeError):
            raise Unavailable("the helpdesk", "its answer is not a ticket") from None

    async def find_ticket(self, key: str) -> str | None:
        """Find the ticket that was made under a key of ours; gives its id."""
        words = {"query": f"RefersTo = '{MARK}{key}'", "per_page": "2"}
        found = await self._web.read(f"{ROOT}/tickets", words)
        return next((str(one["id"]) for one in found["items"]), None)

    async def find_comment(self, ticket_id: str, key: str) -> str | None:
        """Find the comment or reply that was made under a key of ours; gives its id."""
        newest = {"fields": "Type,Data", "orderby": "id", "order": "DESC", "per_page": str(PAGE)}
        for page in count(1):
            words = {**newest, "page": str(page)}
            found = await self._web.read(f"{ROOT}/ticket/{ticket_id}/history", words)
            for one in found["items"]:
                if one["Type"] in {"Comment", "Correspond"} and MARK + key == one["Data"].strip():
                    return str(one["id"])
            if not found["items"]:
                return None
        raise AssertionError("pages are endless only in theory")

    async def send(self, method: str, path: str, content: bytes, version: str = "") -> str:
        """
        Send stored bytes; gives the id of what was written.

        With a version, only over that one: raises `Stale` where somebody was faster.
        """
        headers = {"If-Match": version} if version else {}
        reply = await self._web.deliver(method, path, content, headers)
        if method == "PUT":
            return await self._read_back(path, content, reply.content)
        return str(reply.content.get("id", "")) if isinstance(reply.content, dict) else ""

    async def _read_back(self, path: str, content: bytes, said: Any) -> str:
        """Check that a change came about: a refusal answers 200 as well."""
        found = await self._web.read(path)
        missed = [
            name for name, value in json.loads(content).items() if _plain(found.get(name)) != value
        ]
        if missed:
            sentences = said if isinstance(said, list) else []
            told = [ADDRESS.sub("(address)", str(one)) for one in sentences]
            raise Refused("the helpdesk", 200, "the change did not come about", told or missed)
        return str(found["id"])


def ticket_creation(
    *, queue: str, subject: str, requestor: str, content: str, key: str = ""
) -> Built:
    """Build the write that makes a ticket, findable by a key of ours."""
    words = {
        "Queue": queue,
        "Subject": subject,
        "Requestor": requestor,
        "Content": content,
        "ContentType": "text/plain",
        "RefersTo": MARK + key,
    }
    return "POST", f"{ROOT}/ticket", _bytes(words)


def owner_change(ticket_id: str, owner: str | None) -> Built:
    """Build the write that gives a ticket an owner, or takes it from everybody."""
    return "PUT", f"{ROOT}/ticket/{ticket_id}", _bytes({"Owner": owner or "Nobody"})


def comment(ticket_id: str, *, content: str, key: str) -> Built:
    """Build the write that adds a note which the customer does not see."""
    words = {"Content": content, "ContentType": "text/plain", "Subject": MARK + key}
    return "POST", f"{ROOT}/ticket/{ticket_id}/comment", _bytes(words)


def _plain(value: object) -> object:
    """Give what a change names from what a read shows: a user or a queue by its name."""
    return value.get("id") if isinstance(value, dict) else value


def _bytes(content: dict[str, str]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
