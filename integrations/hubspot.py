"""
The CRM, through the part of HubSpot's public v3 API that we use: plain values in and out.

Reads give frozen dataclasses. Writes are built apart from being sent, because their bytes are
stored before they leave: `owner_patch` and `task_creation` give (method, path, body).
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Self

from integrations.errors import NotFound
from integrations.hubspot_records import (
    COMPANY_PROPERTIES,
    CONTACT_PROPERTIES,
    LANE,
    Company,
    Contact,
    Owner,
    read_company,
    read_contact,
    read_owner,
)
from integrations.pace import Pace
from integrations.web import Body, Web

CONTACTS = "/crm/v3/objects/contacts"
COMPANIES = "/crm/v3/objects/companies"
TASKS = "/crm/v3/objects/tasks"
TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105 # a path
TASK_TO_CONTACT = 204  #: HubSpot's own association type

Built = tuple[str, str, bytes]


class HubSpot:
    """The CRM. Raises `Unavailable`, `Refused` and `NotFound` (see `integrations.errors`)."""

    def __init__(self, web: Web) -> None:
        self._web = web

    @classmethod
    def at(cls, url: str, token: str, timeout: float = 10.0, *, pace: Pace | None = None) -> Self:
        """Connect to a CRM's address with a private app's token, at a pace."""
        return cls(Web("the CRM", url, token, timeout=timeout, pace=pace))

    async def close(self) -> None:
        """Close the connections."""
        await self._web.__aexit__()

    async def read_contact(self, contact_id: str) -> Contact:
        """Read a contact and the company it belongs to."""
        names = ",".join(CONTACT_PROPERTIES)
        found = await self._web.read(
            f"{CONTACTS}/{contact_id}", {"properties": names, "associations": "companies"}
        )
        return read_contact(found)

    async def find_unowned(self, since: datetime, after: str = "0") -> tuple[list[Contact], str]:
        """
        Find contacts that were made since a moment and have no owner, the oldest first.

        Gives one page and the way to the next one, empty for the last. The index lags.
        """
        made = {
            "propertyName": "createdate",
            "operator": "GTE",
            "value": str(int(since.timestamp() * 1000)),
        }
        unowned = {"propertyName": "hubspot_owner_id", "operator": "NOT_HAS_PROPERTY"}
        found = await self._web.search(
            f"{CONTACTS}/search",
            {
                "filterGroups": [{"filters": [made, unowned]}],
                "sorts": [{"propertyName": "createdate", "direction": "ASCENDING"}],
                "properties": list(CONTACT_PROPERTIES),
                "limit": 100,
                "after": after,
            },
        )
        further = found.get("paging", {}).get("next", {}).get("after", "")
        return [read_contact(one) for one in found["results"]], further

    async def read_company(self, company_id: str) -> Company:
        """Read a company."""
        names = ",".join(COMPANY_PROPERTIES)
        found = await self._web.read(f"{COMPANIES}/{company_id}", {"properties": names})
        return read_company(found)

    async def find_companies(self, domains: Iterable[str], name: str | None) -> list[Company]:
        """Find the companies with one of the domains, or with a name; the index lags."""
        wanted = [("domain", one) for one in domains] + ([("name", name)] if name else [])
        if not wanted:
            return []
        groups = [
            {"filters": [{"propertyName": field, "operator": "EQ", "value": value}]}
            for field, value in wanted[:5]  # as many groups as the CRM takes
        ]
        query = {"filterGroups": groups, "properties": list(COMPANY_PROPERTIES), "limit": 20}
        found = await self._web.search(f"{COMPANIES}/search", query)
        return [read_company(one) for one in found["results"]]

    async def find_namesakes(self, first: str, last: str, company: str) -> list[str]:
        """Find the contacts of one name at one company; gives their ids. The index lags."""
        same = [
            {"propertyName": field, "operator": "EQ", "value": value}
            for field, value in (("firstname", first), ("lastname", last), ("company", company))
        ]
        query = {"filterGroups": [{"filters": same}], "properties": ["email"], "limit": 10}
        found = await self._web.search(f"{CONTACTS}/search", query)
        return [one["id"] for one in found["results"]]

    async def owners(self) -> list[Owner]:
        """Read every owner, page by page."""
        owners: list[Owner] = []
        params = {"limit": "100"}
        while True:
            page = await self._web.read("/crm/v3/owners", params)
            owners += [read_owner(one) for one in page["results"]]
            after = page.get("paging", {}).get("next", {}).get("after")
            if after is None:
                return owners
            params = {"limit": "100", "after": after}

    async def scopes(self, token: str) -> list[str]:
        """Read what a private app's token is allowed to do."""
        found = await self._web.search(TOKEN_INFO, {"tokenKey": token})
        return sorted(found["scopes"])

    async def read_owner_of(self, contact_id: str) -> str | None:
        """Read who owns a contact now; None for nobody."""
        return await self._read_one(contact_id, "hubspot_owner_id")

    async def read_lane_of(self, contact_id: str) -> str | None:
        """Read in whose lane a contact is; None for nobody's."""
        return await self._read_one(contact_id, LANE)

    async def _read_one(self, contact_id: str, name: str) -> str | None:
        found = await self._web.read(f"{CONTACTS}/{contact_id}", {"properties": name})
        value: str | None = found["properties"].get(name) or None
        return value

    async def find_tasks(self, subject: str) -> list[str]:
        """
        Find the tasks with a subject; gives their ids.

        The index lags behind writes: not finding a task right after its creation says nothing.
        """
        same = {"propertyName": "hs_task_subject", "operator": "EQ", "value": subject}
        found = await self._web.search(
            f"{TASKS}/search",
            {
                "filterGroups": [{"filters": [same]}],
                "properties": ["hs_task_subject"],
                "limit": 10,
            },
        )
        return [one["id"] for one in found["results"]]

    async def find_tasks_of(self, contact_id: str, since: datetime) -> dict[str, str]:
        """Find the tasks of a contact, made since a moment: subjects by id. The index lags."""
        made = str(int(since.timestamp() * 1000))
        filters = [
            {"propertyName": "associations.contact", "operator": "EQ", "value": contact_id},
            {"propertyName": "hs_createdate", "operator": "GTE", "value": made},
        ]
        found = await self._web.search(
            f"{TASKS}/search",
            {
                "filterGroups": [{"filters": filters}],
                "properties": ["hs_task_subject"],
                "limit": 100,
            },
        )
        return {
            one["id"]: one["properties"].get("hs_task_subject") or "" for one in found["results"]
        }

    async def is_task_over(self, task_id: str) -> bool:
        """Whether a task was completed, or put away."""
        try:
            found = await self._web.read(f"{TASKS}/{task_id}", {"properties": "hs_task_status"})
        except NotFound:
            return True
        return bool(found["properties"].get("hs_task_status") == "COMPLETED")

    async def has_task(self, task_id: str) -> bool:
        """Whether there is a task, and nobody has put it away."""
        try:
            await self._web.read(f"{TASKS}/{task_id}")
        except NotFound:
            return False
        return True

    async def send(self, method: str, path: str, content: bytes) -> str:
        """Send stored bytes; gives the id of the record that was written."""
        written: Body = await self._web.send(method, path, content)
        results = written.get("results") or [written]
        return str(results[0].get("id", ""))


def owner_patch(contact_id: str, owner_id: str, reason: str) -> Built:
    """Build the write that gives a contact an owner, and says why on the record."""
    properties = {"hubspot_owner_id": owner_id, "taxiway_routing_reason": reason[:500]}
    return "PATCH", f"{CONTACTS}/{contact_id}", _bytes({"properties": properties})


def task_creation(*, subject: str, body: str, due: datetime, contact_id: str) -> Built:
    """Build the write that creates a task on a contact."""
    content = {
        "properties": {
            "hs_task_subject": subject,
            "hs_task_body": body,
            "hs_timestamp": due.isoformat(),
            "hs_task_status": "NOT_STARTED",
            "hs_task_priority": "HIGH",
            "hs_task_type": "TODO",
        },
        "associations": [
            {
                "to": {"id": contact_id},
                "types": [
                    {
                        "associationCategory": "HUBSPOT_DEFINED",
                        "associationTypeId": TASK_TO_CONTACT,
                    }
                ],
            }
        ],
    }
    return "POST", TASKS, _bytes(content)


def lane_patch(contact_id: str, lane: str) -> Built:
    """Build the write that says in whose lane a contact is; empty for nobody's."""
    return "PATCH", f"{CONTACTS}/{contact_id}", _bytes({"properties": {LANE: lane}})


def contact_upsert(email: str, properties: dict[str, str]) -> Built:
    """Build the write that makes a contact or changes the one with this e-mail address."""
    one = {"id": email, "idProperty": "email", "properties": {**properties, "email": email}}
    return "POST", f"{CONTACTS}/batch/upsert", _bytes({"inputs": [one]})


def task_removal(task_id: str) -> Built:
    """Build the write that puts a task away; people can bring it back for 90 days."""
    return "DELETE", f"{TASKS}/{task_id}", b""


def _bytes(content: Body) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
