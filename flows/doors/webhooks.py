"""
The receiver: `POST /hooks/{source}`. What it answered with 202 is on disk.

It talks to the database only, so it works while Prefect is down. It never imports Prefect.
"""

import argparse
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy import exc
from starlette.requests import ClientDisconnect

from flows.doors.intake import MOST_BYTES, Event, Turned, read_event
from integrations.clock import now
from integrations.database import transaction
from integrations.settings import SettingsError, database_url, settings
from rollout.errors import EventIdReused
from rollout.inbox import receive
from rollout.ledger import note
from rollout.refusals import count_refusal

Answer = tuple[int, dict[str, Any]]

#: The database is away, full, read-only or busy: nothing is wrong with the event.
LATER = (exc.OperationalError, exc.InternalError, exc.InterfaceError, exc.TimeoutError)

app = FastAPI(title="Taxiway receiver", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that the receiver runs."""
    return {"status": "ok"}


@app.post("/hooks/{source}")
async def hook(source: str, request: Request) -> JSONResponse:
    """Take an event: 202 kept, 200 known already, 4xx with the reason, 503 come again."""
    try:
        status, content = await _take(source, request)
    except LATER:
        later = {"error": "the database does not answer; nothing was kept: send it again"}
        return JSONResponse(later, 503, headers={"Retry-After": "5"})
    except ClientDisconnect:
        status, content = 400, {"error": "the body is not complete"}  # nobody hears this
    return JSONResponse(content, status)


async def _take(source: str, request: Request) -> Answer:
    try:
        body = await _bounded(request)
        event = read_event(source, _secrets(), request.headers, body)
    except Turned as turned:
        if turned.status == 401:
            await run_in_threadpool(_count, source, "signature")
        wrong: dict[str, Any] = {"error": turned.reason}
        if turned.fields:
            wrong["fields"] = turned.fields
        return turned.status, wrong
    return await run_in_threadpool(_keep, source, event, body)


async def _bounded(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise Turned(413, f"the body is larger than {MOST_BYTES // 1024} KiB")
        parts.append(part)
    return b"".join(parts)


def _secrets() -> dict[str, list[str]]:
    return {
        source: [secret.get_secret_value() for secret in secrets]
        for source, secrets in settings().hook_secrets.items()
    }


def _keep(source: str, event: Event, body: bytes) -> Answer:
    try:
        with transaction() as session:
            arrival, fresh = receive(
                session,
                source=source,
                ext_id=event.ext_id,
                workflow=event.workflow.name,
                body=body,
                now=now(),
            )
            kept = arrival.id
    except EventIdReused as reused:
        _alert(source, event)
        return 409, {"error": str(reused)}
    if fresh:
        return 202, {"id": kept, "status": "accepted"}
    return 200, {"id": kept, "status": "duplicate"}


def _alert(source: str, event: Event) -> None:
    with transaction() as session:
        note(
            session,
            workflow=event.workflow.name,
            kind="event_id_reused",
            actor=source,
            at=now(),
            fields={"event": event.ext_id},
        )


def _count(source: str, reason: str) -> None:
    with transaction() as session:
        count_refusal(session, source, reason, now().date())


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m flows.doors.webhooks", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    words = parser.parse_args()
    try:
        database_url()
    except SettingsError as error:
        sys.exit(f"taxiway receiver: {error}")
    uvicorn.run(
        app, host=words.host, port=words.port, log_level="warning", timeout_graceful_shutdown=2
    )


if __name__ == "__main__":
    main()
