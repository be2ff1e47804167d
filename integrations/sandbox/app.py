"""The sandbox's doors: the CRM's public paths, and `/_sandbox` for whoever runs a trial."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from integrations.sandbox.assignment import Assignment, assigning
from integrations.sandbox.control import control
from integrations.sandbox.faults import Faults
from integrations.sandbox.refunds import refunds
from integrations.sandbox.search import search
from integrations.sandbox.shapes import (
    Problem,
    check_properties,
    envelope,
    known_kind,
    not_found,
    page,
)
from integrations.sandbox.store import Record, Store

Body = dict[str, Any]
Properties = Annotated[str, Query()]
OWN = {("contacts", "companies"): 1, ("companies", "contacts"): 2, ("tasks", "contacts"): 204}


@dataclass(frozen=True)
class Limits:
    """What the sandbox asks of its clients."""

    token: str = "sandbox"  # noqa: S105 # a sandbox has no secrets
    lag: float = 1.0  #: seconds until search sees a write
    burst: int = 190  #: requests in ten seconds


def build(store: Store, limits: Limits, assignment: Assignment | None = None) -> FastAPI:
    """Build the application; with an assignment of its own, if the CRM is to have one."""
    app = FastAPI(
        title="Sandbox CRM",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=assigning(store, assignment) if assignment else None,
    )
    faults = Faults()
    _objects(app, store, limits)
    _links(app, store)
    _owners(app, store)
    app.include_router(refunds(store))
    app.include_router(control(store, faults))
    _guard(app, store, limits, faults)

    @app.exception_handler(HTTPException)
    async def tell(_: Request, problem: HTTPException) -> JSONResponse:
        return JSONResponse(problem.detail, problem.status_code, headers=problem.headers)

    return app


ROOT = "/crm/v3/objects/{kind}"


def _objects(app: FastAPI, store: Store, limits: Limits) -> None:

    @app.post(f"{ROOT}/search")
    async def find(kind: str, query: Body) -> Body:
        return search(store, known_kind(kind), query, limits.lag)

    @app.post(f"{ROOT}/batch/read")
    async def read_many(kind: str, body: Body) -> Body:
        numbers = [int(one["id"]) for one in body.get("inputs", [])]
        found = [record for n in numbers if (record := store.get(known_kind(kind), n))]
        return {
            "status": "COMPLETE",
            "results": [envelope(record, body.get("properties") or ()) for record in found],
        }

    @app.post(f"{ROOT}/batch/upsert")
    async def upsert(kind: str, body: Body) -> Body:
        with store.whole():
            made = [_upsert(store, known_kind(kind), one) for one in body.get("inputs", [])]
        return {"status": "COMPLETE", "results": made}

    @app.post(ROOT, status_code=201)
    async def create(kind: str, body: Body) -> Body:
        properties = check_properties(store, known_kind(kind), body.get("properties"))
        _unique_email(store, kind, properties)
        with store.whole():
            record = store.put(kind, properties)
            for one in body.get("associations", []):
                _associate(store, record, one)
        return envelope(record, list(properties))

    @app.get(ROOT)
    async def many(kind: str, limit: int = 10, after: int = 0, properties: Properties = "") -> Body:
        wanted = _listed(properties)
        found = [envelope(record, wanted) for record in store.all(known_kind(kind))]
        return page(found, min(limit, 100), after)

    @app.get(f"{ROOT}/{{number}}")
    async def one(
        kind: str,
        number: str,
        properties: Properties = "",
        associations: Properties = "",
        idProperty: str | None = None,  # noqa: N803 # the CRM's own word
    ) -> Body:
        record = _one(store, kind, number, idProperty)
        body = envelope(record, _listed(properties))
        links = {to: store.linked(kind, record.id, to) for to in _listed(associations)}
        shown = {
            to: {"results": [{"id": str(n), "type": f"{kind[:-1]}_to_{to}"} for n, _ in found]}
            for to, found in links.items()
            if found
        }
        return {**body, "associations": shown} if shown else body

    @app.patch(f"{ROOT}/{{number}}")
    async def change(kind: str, number: str, body: Body) -> Body:
        record = _one(store, kind, number, None)
        properties = check_properties(store, kind, body.get("properties"))
        with store.whole():
            changed = store.change(record, properties)
        return envelope(changed, list(properties))

    @app.delete(f"{ROOT}/{{number}}", status_code=204)
    async def put_away(kind: str, number: str) -> Response:
        with store.whole():
            store.archive(_one(store, kind, number, None))
        return Response(status_code=204)


def _links(app: FastAPI, store: Store) -> None:
    @app.get(f"{ROOT}/{{number}}/associations/{{to}}")
    async def links(kind: str, number: str, to: str) -> Body:
        record = _one(store, kind, number, None)
        found = store.linked(kind, record.id, to)
        return {"results": [{"id": str(n), "type": f"{kind[:-1]}_to_{to}"} for n, _ in found]}

    @app.put(f"{ROOT}/{{number}}/associations/{{to}}/{{other}}/{{link_type}}")
    async def link(kind: str, number: str, to: str, other: str, link_type: str) -> Body:
        record, target = _one(store, kind, number, None), _one(store, to, other, None)
        known = link_type if link_type.isdigit() else OWN.get((kind, to), 0)
        with store.whole():
            store.link((kind, record.id), (to, target.id), int(known))
        return envelope(record, ())


def _owners(app: FastAPI, store: Store) -> None:
    @app.get("/crm/v3/owners")
    @app.get("/crm/v3/owners/")
    async def owners(limit: int = 100, after: int = 0, *, archived: bool = False) -> Body:
        found = [one for one in store.owners() if bool(one.get("archived")) == archived]
        return page(found, min(limit, 500), after)


def _guard(app: FastAPI, store: Store, limits: Limits, faults: Faults) -> None:
    recent: deque[float] = deque()

    @app.middleware("http")
    async def guard(request: Request, onward: Callable[[Request], Awaitable[Response]]) -> Response:
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
            response = await _spoilt(response, fault.do, fault.status, fault.headers)
            status = response.status_code if not fault.applies else status
        store.note_request(
            request.method, path, status, _json(content), applied=applied and status < 300
        )
        return response


async def _spoilt(response: Response, do: str, status: int, headers: dict[str, str]) -> Response:
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
    if request.headers.get("authorization") != f"Bearer {limits.token}":
        return Problem(401, "INVALID_AUTHENTICATION", "Authentication credentials not found")
    moment = time.monotonic()
    while recent and recent[0] < moment - 10:
        recent.popleft()
    if len(recent) >= limits.burst:
        wait = {"Retry-After": str(max(1, round(recent[0] + 10 - moment)))}
        return Problem(429, "RATE_LIMITS", "You have reached your ten_secondly limit.", (), wait)
    recent.append(moment)
    return None


def _json(content: bytes) -> object:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")  # a form


def _one(store: Store, kind: str, number: str, by: str | None) -> Record:
    known_kind(kind)
    if by is not None:
        wanted = number.casefold()
        same = [r for r in store.all(kind) if r.properties.get(by, "").casefold() == wanted]
        if same:
            return same[0]
        raise not_found(kind, number)
    record = store.get(kind, int(number)) if number.isdigit() else None
    if record is None:
        raise not_found(kind, number)
    return record


def _upsert(store: Store, kind: str, wish: Body) -> Body:
    if kind != "contacts" or wish.get("idProperty") != "email":
        raise Problem(400, "VALIDATION_ERROR", f"{wish.get('idProperty')} is not unique here")
    properties = check_properties(store, kind, wish.get("properties"))
    try:
        record = store.change(_one(store, kind, str(wish["id"]), "email"), properties)
        return {**envelope(record, list(properties)), "new": False}
    except Problem:
        made = store.put(kind, {**properties, "email": str(wish["id"])})
        return {**envelope(made, list(properties)), "new": True}


def _associate(store: Store, record: Record, wish: Body) -> None:
    kinds = {204: "contacts", 192: "companies", 1: "companies", 279: "companies"}
    kind = int(wish["types"][0]["associationTypeId"])
    target = _one(store, kinds.get(kind, "contacts"), str(wish["to"]["id"]), None)
    store.link((record.type, record.id), (target.type, target.id), kind)


def _unique_email(store: Store, kind: str, properties: dict[str, str]) -> None:
    email = properties.get("email", "").casefold()
    if kind != "contacts" or not email:
        return
    for record in store.all("contacts"):
        if record.properties.get("email", "").casefold() == email:
            raise Problem(409, "CONFLICT", f"Contact already exists. Existing ID: {record.id}")


def _listed(words: str) -> list[str]:
    return [word for word in words.split(",") if word]
