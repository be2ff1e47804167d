"""
The one place from which HTTP calls leave.

What is tried again here, with the same bytes: a 429, as late as it says, and a connection that
was never made. Nothing else: a read that failed is tried again by the Prefect task around it,
where people see it, and a write that may have arrived is settled by `tasks.effects`.
"""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
)

from integrations.errors import NotFound, Refused, Stale, Unavailable
from integrations.pace import OwnPace, Pace

MOST_PATIENCE = 8.0  #: seconds that one call waits for its turn, all told

ADDRESS = re.compile(r"\S+@\S+")
REFUSALS = {404: NotFound, 412: Stale}

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What a system answered: JSON of any kind, or else text; and the record's version."""

    content: Any
    version: str = ""  #: the ETag, quotes and all


class _ToldToWaitError(Exception):
    """The system said when to come again, or could not be reached at all."""

    def __init__(self, what: str, seconds: float) -> None:
        self.what = what
        self.seconds = seconds
        super().__init__(what)


class Web:
    """One outside system over HTTP: JSON in, JSON out, errors as `OutsideError`."""

    def __init__(
        self,
        system: str,
        url: str,
        token: str = "",
        *,
        scheme: str = "Bearer",
        timeout: float = 10.0,
        pace: Pace | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.system = system
        self._pace = pace or OwnPace()
        proof = {"Authorization": f"{scheme} {token}"} if token else {}
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Accept": "application/json", **proof},
            timeout=timeout,
            follow_redirects=False,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def read(self, path: str, params: Mapping[str, str] | None = None) -> Body:
        """Read an object with GET."""
        return self._object(await self.fetch(path, params))

    async def fetch(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        """Read with GET whatever it answers, and the record's version."""
        return await self._patiently("GET", path, params=params)

    async def search(self, path: str, query: Body) -> Body:
        """Read with a POST that changes nothing."""
        return self._object(await self._patiently("POST", path, content=json.dumps(query).encode()))

    async def send(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Body:
        """Like `deliver`, to a system that answers with an object."""
        return self._object(await self.deliver(method, path, content, headers))

    async def deliver(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """
        Write these very bytes; JSON, unless the headers say otherwise.

        Raises `Refused` for a no, and `Unavailable` with `sent` as far as it is known.
        """
        return await self._patiently(method, path, content=content, headers=headers)

    async def _patiently(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_ToldToWaitError),
                wait=_as_told,
                stop=stop_after_attempt(6) | stop_after_delay(MOST_PATIENCE),
                reraise=True,
            ):
                with attempt:
                    return await self._once(method, path, params, content, headers or {})
        except _ToldToWaitError as told:
            raise Unavailable(self.system, told.what, sent=False) from None
        raise AssertionError("tenacity either returns or raises")

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> Reply:
        await self._pace.turn()
        kind = {"Content-Type": "application/json"} if content is not None else {}
        try:
            response = await self._client.request(
                method, path, params=params, content=content, headers={**kind, **headers}
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise _ToldToWaitError("no connection", 0.2) from None
        except httpx.TransportError as error:
            raise Unavailable(self.system, f"{type(error).__name__} on {method}") from None
        return self._answer(response)

    def _answer(self, response: httpx.Response) -> Reply:
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            seconds = _retry_after(response)
            self._pace.hold(seconds)
            raise _ToldToWaitError("too many requests (429)", seconds)
        if status >= 500 or (status in {408, 409, 425} and not _is_json(response)):
            raise Unavailable(self.system, f"it answered {status}")
        if 300 <= status < 400:
            told = "it sends us elsewhere: are the address and the token right?"
            raise Refused(self.system, status, told)
        if status >= 400:
            raise self._refusal(response)
        version = response.headers.get("ETag", "")
        if not response.content:
            return Reply({}, version)
        try:
            return Reply(response.json(), version)
        except ValueError:
            if _is_json(response):
                raise Unavailable(self.system, "its answer is cut off or not JSON") from None
            return Reply(response.text, version)

    def _object(self, reply: Reply) -> Body:
        if not isinstance(reply.content, dict):
            raise Unavailable(self.system, "its answer is not an object")
        return reply.content

    def _refusal(self, response: httpx.Response) -> Refused:
        try:
            content = response.json()
        except ValueError:
            content = {"message": response.text[:100]} if _is_text(response) else {}
        if not isinstance(content, dict):
            content = {}
        error = content.get("error")  # a code apart from its category, with some
        code = error.get("code") if isinstance(error, dict) else None
        said = ADDRESS.sub("(address)", str(content.get("message") or response.reason_phrase))
        what = str(content.get("category") or code or said)
        details = content.get("errors") or []
        fields = [_field_error(one) for one in details if isinstance(one, dict)]
        kind = REFUSALS.get(response.status_code, Refused)
        return kind(self.system, response.status_code, what, fields)


def _field_error(error: Mapping[str, Any]) -> str:
    """Name the property and the code, or the scopes that are missing; never the value."""
    context = error.get("context")
    names = context.get("propertyName") or context.get("requiredScopes") if context else None
    where = ", ".join(names) if isinstance(names, list) else str(error.get("name") or "")
    return f"{where}: {error.get('code') or 'invalid'}" if where else str(error.get("code"))


def _is_text(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).startswith("text/plain")


def _is_json(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).startswith("application/json")


def _retry_after(response: httpx.Response) -> float:
    told = response.headers.get("Retry-After", "")
    return float(told) if told.replace(".", "", 1).isdigit() else 1.0


def _as_told(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    seconds = error.seconds if isinstance(error, _ToldToWaitError) else 1.0
    return seconds + random.uniform(0, 0.1)  # noqa: S311 # jitter, not a secret
