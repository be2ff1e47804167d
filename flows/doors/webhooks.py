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

from flows.doors.desk import desk
from flows.doors.facts import take_fact
from flows.doors.intake import MOST_BYTES, Event, Source, Turned, read_events
from flows.doors.opinion_desk import opinion_desk
from integrations.clock import now
from integrations.database import transaction
from integrations.settings import SettingsError, database_url, settings
from integrations.signatures import Incoming
from rollout.errors import EventIdReused, Invalid, Unknown
from rollout.inbox import receive
from rollout.ledger import note
from rollout.refusals import count_refusal

Answer = tuple[int, dict[str, Any]]

#: The database is away, full, read-only or busy: nothing is wrong with the event.
LATER = (exc.OperationalError, exc.InternalError, exc.InterfaceError, exc.TimeoutError)

app = FastAPI(title="Taxiway receiver", docs_url=None, redoc_url=None, openapi_url=None)
app.include_router(desk)
app.include_router(opinion_desk)


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
        events = read_events(_source(source), _incoming(request, body))
    except Turned as turned:
        if turned.status == 401:
            await run_in_threadpool(_count, source, "signature")
        wrong: dict[str, Any] = {"error": turned.reason}
        if turned.fields:
            wrong["fields"] = turned.fields
        return turned.status, wrong
    if not events:
        return 200, {"status": "ignored", "why": "nothing here is started by these events"}
    return await run_in_threadpool(_keep, source, events)


async def _bounded(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise Turned(413, f"the body is larger than {MOST_BYTES // 1024} KiB")
        parts.append(part)
    return b"".join(parts)


def _source(name: str) -> Source:
    known = settings()
    keys = known.hook_secrets.get(name)
    if keys is None:
        raise Turned(404, f"there is no source {name[:50]!r} here")
    return Source(name, known.style_of(name), [key.get_secret_value() for key in keys])


def _incoming(request: Request, body: bytes) -> Incoming:
    """Give the request as its sender signed it: under the public address, if there is one."""
    seen = settings().hooks_public_url.rstrip("/")
    url = f"{seen}{request.url.path}" if seen else str(request.url.replace(query=""))
    if request.url.query:
        url = f"{url}?{request.url.query}"
    return Incoming(body, request.headers, now(), request.method, url)


def _keep(source: str, events: list[Event]) -> Answer:
    """Keep all events of a request, or none of them."""
    try:
        with transaction() as session:
            facts = [
                {"id": one.ext_id, "status": take_fact(session, one.told, source)}
                for one in events
                if one.told is not None
            ]
            kept = [
                receive(
                    session,
                    source=source,
                    ext_id=event.ext_id,
                    workflow=event.workflow.name,
                    body=event.body,
                    now=now(),
                )
                for event in events
                if event.workflow is not None
            ]
            told = [
                {"id": arrival.id, "status": "accepted" if fresh else "duplicate"}
                for arrival, fresh in kept
            ] + facts
    except (Unknown, Invalid) as no:
        return 422, {"error": f"{no}; nothing was kept"}
    except EventIdReused as reused:
        _alert(source, events, reused.ext_id)
        return 409, {"error": str(reused)}
    status = 202 if any(one["status"] == "accepted" for one in told) else 200
    return status, dict(told[0]) if len(told) == 1 else {"events": told}


def _alert(source: str, events: list[Event], ext_id: str) -> None:
    workflow = next(one.workflow.name for one in events if one.workflow and one.ext_id == ext_id)
    with transaction() as session:
        note(
            session,
            workflow=workflow,
            kind="event_id_reused",
            actor=source,
            at=now(),
            fields={"event": ext_id},
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
