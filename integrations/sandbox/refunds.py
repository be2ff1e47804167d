"""The payment provider's part of the sandbox: charges, and refunds under idempotency keys."""

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Request

from integrations.sandbox.store import Store

Body = dict[str, Any]
REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def refunds(store: Store) -> APIRouter:
    """Build the paths below `/v1`."""
    router = APIRouter()

    @router.post("/v1/refunds")
    async def create(request: Request) -> Body:
        content = (await request.body()).decode()
        key = request.headers.get("idempotency-key")
        with store.whole() as db:
            if key and (known := _under(db, key)):
                if known["request"] != content:
                    raise _error(400, "idempotency_error", "Keys are for the same parameters.")
                answer: Body = json.loads(known["answer"])
                return answer
            made = _refund(db, dict(parse_qsl(content)))
            if key:
                db.execute("insert into keyed values (?, ?, ?)", (key, content, json.dumps(made)))
        return made

    @router.get("/v1/refunds")
    async def of_a_charge(charge: str, limit: int = 10) -> Body:
        with store.whole() as db:
            rows = db.execute(
                "select content from refund where charge = ? order by n desc limit ?",
                (charge, limit),
            ).fetchall()
        return {"object": "list", "data": [json.loads(row[0]) for row in rows], "has_more": False}

    return router


def put_charge(db: sqlite3.Connection, charge: Mapping[str, Any]) -> None:
    """Create or replace a charge: id, amount, currency."""
    db.execute(
        "insert or replace into charge values (?, ?, ?)",
        (charge["id"], int(charge["amount"]), charge.get("currency", "eur")),
    )


def all_refunds(store: Store) -> list[Body]:
    """Give every refund that was made, in order."""
    with store.whole() as db:
        rows = db.execute("select content from refund order by n").fetchall()
    return [json.loads(row[0]) for row in rows]


def _under(db: sqlite3.Connection, key: str) -> dict[str, str] | None:
    row = db.execute("select request, answer from keyed where key = ?", (key,)).fetchone()
    return {"request": row[0], "answer": row[1]} if row else None


def _refund(db: sqlite3.Connection, words: Mapping[str, str]) -> Body:
    charge = db.execute(
        "select amount, currency from charge where id = ?", (words.get("charge", ""),)
    ).fetchone()
    if charge is None:
        raise _error(404, "resource_missing", f"No such charge: {words.get('charge')}")
    if words.get("reason", REASONS[0]) not in REASONS:
        raise _error(400, "parameter_invalid", f"Invalid reason: must be one of {REASONS}")
    captured, currency = charge
    (given,) = db.execute(
        "select coalesce(sum(amount), 0) from refund where charge = ?", (words["charge"],)
    ).fetchone()
    amount = int(words.get("amount", captured - given))
    if amount <= 0 or amount > captured - given:
        raise _error(400, "charge_already_refunded", f"{captured - given} is left to refund")
    made = {
        "id": f"re_{uuid4().hex[:24]}",
        "object": "refund",
        "charge": words["charge"],
        "amount": amount,
        "currency": currency,
        "reason": words.get("reason"),
        "metadata": {"taxiway_case": words.get("metadata[taxiway_case]", "")},
        "created": int(time.time()),
        "status": "succeeded",
    }
    db.execute(
        "insert into refund (charge, amount, content) values (?, ?, ?)",
        (words["charge"], amount, json.dumps(made)),
    )
    return made


def _error(status: int, code: str, message: str) -> HTTPException:
    kind = code if code == "idempotency_error" else "invalid_request_error"
    return HTTPException(status, {"error": {"type": kind, "code": code, "message": message}})
