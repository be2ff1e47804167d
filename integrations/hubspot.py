"""
The CRM, through the part of HubSpot's public v3 API that we use: plain values in and out.

Reads give frozen dataclasses. Writes are built in `hubspot_writes`, since their bytes are stored
before they leave; here they are only sent.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Self

from integrations.errors import NotFound
from integrations.hubspot_records import (
    COMPANY_PROPERTIES,
    CONTACT_PROPERTIES,
    LANE,
    Assigned,
    Company,
    Contact,
    Owner,
    read_assigned,
    read_company,
    read_contact,
    read_owner,
)
from integrations.hubspot_renewals import RENEWAL_PROPERTIES, RISK, Account, read_account
from integrations.hubspot_writes import COMPANIES, CONTACTS, TASKS
from integrations.pace import Pace
from integrations.web import Body, Web

TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105 # a path


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

    async def read_account(self, company_id: str) -> Account:
        """Read a customer with what is known of its renewal."""
        names = ",".join(RENEWAL_PROPERTIES)
        return read_account(
            await self._web.read(f"{COMPANIES}/{company_id}", {"properties": names})
        )

    async def find_renewals(
        self, first: date, last: date, after: str = "0"
    ) -> tuple[list[Account], str]:
        """
        Find the customers whose contract renews within two days, both included.

        Gives one page and the way to the next one, empty for the last. The index lags.
        """
        between = [
            {"propertyName": "renewal_date", "operator": operator, "value": day.isoformat()}
            for operator, day in (("GTE", first), ("LTE", last))
        ]
        found = await self._web.search(
            f"{COMPANIES}/search",
            {
                "filterGroups": [{"filters": between}],
                "sorts": [{"propertyName": "renewal_date", "direction": "ASCENDING"}],
                "properties": list(RENEWAL_PROPERTIES),
                "limit": 100,
                "after": after,
            },
        )
        further = found.get("paging", {}).get("next", {}).get("after", "")
        return [read_account(one) for one in found["results"]], further

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
        return await self._read_one(f"{CONTACTS}/{contact_id}", "hubspot_owner_id")

    async def read_assigned(self, contact_id: str) -> list[Assigned]:
        """Read how a contact came by its owners, the latest first."""
        name = "hubspot_owner_id"
        found = await self._web.read(
            f"{CONTACTS}/{contact_id}", {"properties": name, "propertiesWithHistory": name}
        )
        past = found.get("propertiesWithHistory", {}).get(name, [])
        return sorted(map(read_assigned, past), key=lambda one: one.at, reverse=True)

    async def read_lane_of(self, contact_id: str) -> str | None:
        """Read in whose lane a contact is; None for nobody's."""
        return await self._read_one(f"{CONTACTS}/{contact_id}", LANE)

    async def read_risk_of(self, company_id: str) -> str | None:
        """Read the renewal risk that stands on a company now; None for none."""
        return await self._read_one(f"{COMPANIES}/{company_id}", RISK)

    async def _read_one(self, path: str, name: str) -> str | None:
        found = await self._web.read(path, {"properties": name})
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

    async def find_tasks_of(self, kind: str, record: str, since: datetime) -> dict[str, str]:
        """
        Find the tasks of a contact or a company, made since a moment: subjects by id.

        The index lags.
        """
        made = str(int(since.timestamp() * 1000))
        filters = [
            {"propertyName": f"associations.{kind}", "operator": "EQ", "value": record},
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
