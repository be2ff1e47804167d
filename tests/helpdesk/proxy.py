"""
Something between a client and a real server that breaks what it is told to break.

    python -m tests.helpdesk.proxy PORT URL

It takes the same fault scripts as the sandbox, at the same path.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response

from integrations.sandbox.faults import Faults
from integrations.sandbox.guard import spoilt

KEPT = ("etag", "content-type", "location")
LEFT = ("host", "content-length", "connection", "accept-encoding")


def build(url: str) -> FastAPI:
    """Build it for a server's address."""
    faults = Faults()
    onward = httpx.AsyncClient(base_url=url, timeout=30)

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        await onward.aclose()

    app = FastAPI(openapi_url=None, lifespan=closing)

    @app.post("/_sandbox/faults")
    async def add(script: dict[str, Any]) -> dict[str, str]:
        faults.add(script)
        return {"status": "ok"}

    @app.delete("/_sandbox/faults")
    async def clear() -> dict[str, str]:
        faults.clear()
        return {"status": "ok"}

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT"])
    async def pass_on(path: str, request: Request) -> Response:
        fault = faults.next_for(request.method, f"/{path}")
        response = Response(status_code=500)
        if fault is None or fault.applies:
            there = await onward.request(
                request.method,
                f"/{path}",
                params=request.query_params,
                content=await request.body(),
                headers={k: v for k, v in request.headers.items() if k not in LEFT},
            )
            kept = {k: v for k, v in there.headers.items() if k in KEPT}
            response = Response(there.content, there.status_code, kept)
        if fault is not None:
            response = await spoilt(response, fault.do, fault.status, fault.headers)
        return response

    return app


if __name__ == "__main__":
    uvicorn.run(build(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
