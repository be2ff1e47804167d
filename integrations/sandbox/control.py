"""The sandbox's own paths, for whoever runs a trial: seed it, spoil it, count what reached it."""

from typing import Any

from fastapi import APIRouter

from integrations.sandbox.faults import Faults
from integrations.sandbox.guard import Limits
from integrations.sandbox.refunds import all_refunds, put_charge
from integrations.sandbox.shapes import Problem, known_kind
from integrations.sandbox.store import Store

Body = dict[str, Any]


def control(store: Store, faults: Faults, limits: Limits) -> APIRouter:
    """Build the paths below `/_sandbox`; they ask for no token."""
    router = APIRouter()
    _world(router, store)
    _faults(router, faults)

    @router.post("/_sandbox/limits")
    async def limit(wish: Body) -> Body:
        limits.burst = int(wish["burst"])
        return {"status": "ok"}

    return router


def _world(router: APIRouter, store: Store) -> None:
    @router.get("/_sandbox/health")
    async def health() -> Body:
        return {"status": "ok"}

    @router.post("/_sandbox/seed")
    async def seed(world: Body) -> Body:
        _plant(store, world)
        return {kind: len(world.get(kind, [])) for kind in ("owners", "companies", "contacts")}

    @router.get("/_sandbox/requests")
    async def requests(since: int = 0) -> list[Body]:
        return store.requests(since)

    @router.get("/_sandbox/refunds")
    async def given_back() -> list[Body]:
        return all_refunds(store)

    @router.get("/_sandbox/objects/{kind}")
    async def objects(kind: str) -> list[Body]:
        return [
            {"id": str(record.id), "properties": record.properties}
            for record in store.all(known_kind(kind))
        ]

    @router.get("/_sandbox/owned/{kind}")
    async def owned(kind: str) -> list[Body]:
        return store.owner_history(known_kind(kind))

    @router.post("/_sandbox/assign/{kind}/{number}")
    async def assign(kind: str, number: int, word: Body) -> Body:
        store.assign(known_kind(kind), number, word)
        return {"owner": str(word["owner"])}


def _faults(router: APIRouter, faults: Faults) -> None:
    @router.post("/_sandbox/faults")
    async def add_fault(script: Body) -> Body:
        try:
            faults.add(script)
        except (TypeError, ValueError) as error:
            raise Problem(400, "VALIDATION_ERROR", str(error)) from None
        return {"status": "ok"}

    @router.delete("/_sandbox/faults")
    async def no_faults() -> Body:
        faults.clear()
        return {"status": "ok"}


def _plant(store: Store, world: Body) -> None:
    with store.whole() as db:
        for charge in world.get("charges", []):
            put_charge(db, charge)
        for owner in world.get("owners", []):
            store.put_owner(owner)
        for kind in ("companies", "contacts"):
            for one in world.get(kind, []):
                store.put(kind, one["properties"], int(one["id"]))
        for one in world.get("contacts", []):
            if one.get("company_id"):
                store.link(("contacts", int(one["id"])), ("companies", int(one["company_id"])), 1)
