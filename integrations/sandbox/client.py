"""What a trial asks of the sandbox: seed it, script its faults, and count what reached it."""

from typing import Any

import httpx

Row = dict[str, Any]
READS_WITH_POST = ("/search", "/batch/read", "/access-token-info", "/chat/completions")


class Sandbox:
    """A running sandbox, by its address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def seed(self, world: Row) -> None:
        """Put owners, companies and contacts into it."""
        self._post("/_sandbox/seed", world)

    def assign(
        self, contact_id: str, owner: str, *, source: str, user: int | None = None, at: float = 0
    ) -> None:
        """Let a contact get an owner in the CRM itself: by a user (CRM_UI), or by its own rules."""
        words = {"owner": owner, "source": source, "user": user, "at": at}
        self._post(f"/_sandbox/assign/contacts/{contact_id}", words)

    def fault(self, **script: object) -> None:
        """Script a fault: do, method, path (a regular expression), status, times, seconds."""
        self._post("/_sandbox/faults", script)

    def answer(self, **script: object) -> None:
        """Script what the model says next: content, finish_reason, completion_tokens."""
        self._post("/_sandbox/answers", script)

    def limit(self, burst: int) -> None:
        """Let it take so many requests in ten seconds."""
        self._post("/_sandbox/limits", {"burst": burst})

    def works_again(self) -> None:
        """Drop every scripted fault."""
        httpx.delete(f"{self._url}/_sandbox/faults").raise_for_status()

    def requests(self, since: int = 0) -> list[Row]:
        """Give every request that reached the CRM's own paths, oldest first."""
        return self._rows(f"/_sandbox/requests?since={since}")

    def writes(self, since: int = 0) -> list[Row]:
        """Give the requests that would change something; searches and batch reads do not."""
        return [
            one
            for one in self.requests(since)
            if one["method"] != "GET" and not one["path"].endswith(READS_WITH_POST)
        ]

    def objects(self, kind: str) -> list[Row]:
        """Give the objects of a kind as they stand."""
        return self._rows(f"/_sandbox/objects/{kind}")

    def refunds(self) -> list[Row]:
        """Give every refund that was made, in order."""
        return self._rows("/_sandbox/refunds")

    def owner_of(self, contact_id: str) -> str | None:
        """Give who owns a contact now."""
        for one in self.objects("contacts"):
            if one["id"] == contact_id:
                return one["properties"].get("hubspot_owner_id") or None
        return None

    def owned(self, kind: str = "contacts") -> list[Row]:
        """Give every owner that objects ever had, in order."""
        return self._rows(f"/_sandbox/owned/{kind}")

    def _post(self, path: str, content: object) -> None:
        httpx.post(f"{self._url}{path}", json=content, timeout=10).raise_for_status()

    def _rows(self, path: str) -> list[Row]:
        response = httpx.get(f"{self._url}{path}", timeout=10)
        response.raise_for_status()
        rows: list[Row] = response.json()
        return rows
