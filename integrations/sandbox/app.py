"""The sandbox's doors: the CRM's public paths, and `/_sandbox` for whoever runs a trial."""

from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response

from integrations.sandbox.assignment import Assignment, assigning
from integrations.sandbox.channel import channel
from integrations.sandbox.control import control
from integrations.sandbox.faults import Faults
from integrations.sandbox.guard import Limits, guard, scopes
from integrations.sandbox.models import models
from integrations.sandbox.refunds import refunds
from integrations.sandbox.search import search
from integrations.sandbox.shapes import (
    Problem,
    check_properties,
    envelope,
    history,
    known_kind,
    not_found,
    page,
)
from integrations.sandbox.store import Record, Store

Body = dict[str, Any]
Properties = Annotated[list[str] | None, Query()]  #: repeated, or separated by commas
OWN = {
    ("contacts", "companies"): 1,
    ("companies", "contacts"): 2,
    ("tasks", "contacts"): 204,
    ("tasks", "companies"): 192,
}


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
    _reads(app, store, limits)
    _writes(app, store)
    _links(app, store)
    _labelled_links(app, store)
    _owners(app, store)
    _token(app, limits)
    app.include_router(refunds(store))
    app.include_router(models())
    app.include_router(channel())
    app.include_router(control(store, faults, limits))
    guard(app, store, limits, faults)

    @app.exception_handler(HTTPException)
    async def tell(_: Request, problem: HTTPException) -> JSONResponse:
        return JSONResponse(problem.detail, problem.status_code, headers=problem.headers)

    return app


def _token(app: FastAPI, limits: Limits) -> None:
    @app.post("/oauth/v2/private-apps/get/access-token-info")
    async def token_info(words: Body) -> Body:
        token = str(words.get("tokenKey"))
        if token not in {limits.token, limits.read_token}:
            raise Problem(404, "OBJECT_NOT_FOUND", "unknown token")
        return {"userId": 1, "hubId": 1, "appId": 1, "scopes": scopes(limits, token)}


ROOT = "/crm/v3/objects/{kind}"


def _reads(app: FastAPI, store: Store, limits: Limits) -> None:

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

    @app.get(ROOT)
    async def many(
        kind: str, limit: int = 10, after: int = 0, properties: Properties = None
    ) -> Body:
        wanted = _listed(properties)
        found = [envelope(record, wanted) for record in store.all(known_kind(kind))]
        return page(found, min(limit, 100), after)

    @app.get(f"{ROOT}/{{number}}")
    async def one(
        kind: str,
        number: str,
        properties: Properties = None,
        associations: Properties = None,
        propertiesWithHistory: Properties = None,  # noqa: N803 # the CRM's own word
        idProperty: str | None = None,  # noqa: N803 # the CRM's own word
    ) -> Body:
        record = _one(store, kind, number, idProperty)
        body = envelope(record, _listed(properties))
        if past := _listed(propertiesWithHistory):
            owners = [one for one in store.owner_history(kind) if one["id"] == str(record.id)]
            body["propertiesWithHistory"] = {
                name: history(owners) if name == "hubspot_owner_id" else [] for name in past
            }
        links = {to: store.linked(kind, record.id, to) for to in _listed(associations)}
        shown = {
            to: {"results": [{"id": str(n), "type": f"{kind[:-1]}_to_{to}"} for n, _ in found]}
            for to, found in links.items()
            if found
        }
        return {**body, "associations": shown} if shown else body


def _writes(app: FastAPI, store: Store) -> None:
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


def _labelled_links(app: FastAPI, store: Store) -> None:
    @app.put("/crm/v4/objects/{kind}/{number}/associations/{to}/{other}", status_code=201)
    async def link(kind: str, number: str, to: str, other: str, labels: list[Body]) -> Body:
        record, target = _one(store, kind, number, None), _one(store, to, other, None)
        with store.whole():
            for label in labels:
                known = int(label["associationTypeId"])
                store.link((kind, record.id), (to, target.id), known)
        return {
            "fromObjectTypeId": kind,
            "fromObjectId": str(record.id),
            "toObjectTypeId": to,
            "toObjectId": str(target.id),
            "labels": [],
        }


def _owners(app: FastAPI, store: Store) -> None:
    @app.get("/crm/v3/owners")
    @app.get("/crm/v3/owners/")
    async def owners(limit: int = 100, after: int = 0, *, archived: bool = False) -> Body:
        found = [one for one in store.owners() if bool(one.get("archived")) == archived]
        return page(found, min(limit, 500), after)


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


def _listed(words: list[str] | None) -> list[str]:
    return [word for some in words or () for word in some.split(",") if word]
