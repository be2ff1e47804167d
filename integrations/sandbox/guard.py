"""What every request to the sandbox meets first: a token, a rate limit, and faults on purpose."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from integrations.sandbox.client import READS_WITH_POST
from integrations.sandbox.faults import Faults
from integrations.sandbox.shapes import Problem
from integrations.sandbox.store import Store

HOOKS = "/services/"  #: the messenger's webhooks: there the path is the secret


@dataclass
class Limits:
    """What the sandbox asks of its clients."""

    token: str = "sandbox"  # noqa: S105 # a sandbox has no secrets
    read_token: str = ""  #: another one, which may only read
    lag: float = 1.0  #: seconds until search sees a write
    burst: int = 190  #: requests in ten seconds


def guard(app: FastAPI, store: Store, limits: Limits, faults: Faults) -> None:
    """Let each request pass a token, a limit and a fault script, and note it in the log."""
    recent: deque[float] = deque()

    @app.middleware("http")
    async def watch(request: Request, onward: Callable[[Request], Awaitable[Response]]) -> Response:
        path = request.url.path
        if path.startswith("/_sandbox/"):
            return await onward(request)
        content = await request.body()
        refused = _refusal(request, limits, recent)
        if refused is not None:
            store.note_request(
                request.method, path, refused.status_code, _json(content), applied=False
            )
            return JSONResponse(refused.detail, refused.status_code, headers=refused.headers)
        fault = faults.next_for(request.method, path)
        applied = fault is None or fault.applies
        response: Response = Response(status_code=500)
        if fault is not None and fault.do == "delay":
            await asyncio.sleep(fault.seconds)
        if applied:
            response = await onward(request)
        status = response.status_code
        if fault is not None:
            response = await spoilt(response, fault.do, fault.status, fault.headers)
            status = response.status_code if not fault.applies else status
        store.note_request(
            request.method, path, status, _json(content), applied=applied and status < 300
        )
        return response


async def spoilt(response: Response, do: str, status: int, headers: dict[str, str]) -> Response:
    """Give the answer that a fault makes of the true one."""
    match do:
        case "status" | "status_after_apply":
            return JSONResponse(
                {"status": "error", "message": "scripted", "category": "SCRIPTED"}, status, headers
            )
        case "reset_before_apply" | "reset_after_apply":
            return _Reset()
        case "truncate":
            return Response('{"id": "1', response.status_code, media_type="application/json")
        case _:
            return response


class _Reset(Response):
    """No answer at all: the connection breaks."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"999"), (b"content-type", b"application/json")],
            }
        )  # and never the body: the server then breaks the connection


def _refusal(request: Request, limits: Limits, recent: deque[float]) -> Problem | None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    is_hook = request.url.path.startswith(HOOKS)
    if not is_hook and given not in {limits.token, limits.read_token or limits.token}:
        return Problem(401, "INVALID_AUTHENTICATION", "Authentication credentials not found")
    if not is_hook and given != limits.token and (scope := _scope_to_write(request)):
        required = {"message": "required", "context": {"requiredScopes": [scope]}}
        return Problem(403, "MISSING_SCOPES", "This app lacks required scopes.", [required])
    moment = time.monotonic()
    while recent and recent[0] < moment - 10:
        recent.popleft()
    if len(recent) >= limits.burst:
        wait = {"Retry-After": str(max(1, round(recent[0] + 10 - moment)))}
        return Problem(429, "RATE_LIMITS", "You have reached your ten_secondly limit.", (), wait)
    recent.append(moment)
    return None


def scopes(limits: Limits, token: str) -> list[str]:
    """Give what a token may do."""
    reads = [f"crm.objects.{kind}.read" for kind in ("companies", "contacts", "owners")]
    writes = [f"crm.objects.{kind}.write" for kind in ("companies", "contacts")]
    return reads if token == limits.read_token else reads + writes


def _scope_to_write(request: Request) -> str | None:
    """Name the scope that a request needs in order to change something; None for a read."""
    path = request.url.path
    if request.method == "GET" or path.endswith(READS_WITH_POST):
        return None
    kind = path.removeprefix("/crm/v3/objects/").partition("/")[0]
    return f"crm.objects.{kind}.write" if path.startswith("/crm/v3/objects/") else "write"


def _json(content: bytes) -> object:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")  # a form
