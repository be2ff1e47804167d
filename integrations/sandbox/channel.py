"""The messenger's part of the sandbox: one incoming webhook, which answers as Slack's does."""

import json

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from integrations.sandbox.guard import HOOKS


def channel() -> APIRouter:
    """Build the webhook's path; whoever knows it may post."""
    router = APIRouter()

    @router.post(HOOKS + "{team}/{app}/{secret}")
    async def post(request: Request) -> PlainTextResponse:
        try:
            text = json.loads(await request.body()).get("text")
        except (ValueError, AttributeError):
            return PlainTextResponse("invalid_payload", 400)
        return PlainTextResponse("ok") if text else PlainTextResponse("no_text", 400)

    return router
