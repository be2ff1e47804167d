"""The model's part of the sandbox: Chat Completions that choose the first of what is allowed."""

import json
from collections import deque
from typing import Any

from fastapi import APIRouter

Body = dict[str, Any]


def models() -> APIRouter:
    """Build the path, and one below `/_sandbox` that scripts what is said next."""
    router = APIRouter()
    scripted: deque[Body] = deque()

    @router.post("/v1/chat/completions")
    async def complete(request: Body) -> Body:
        script = scripted.popleft() if scripted else {}
        said = script.get("content", _plain_answer(request))
        return {
            "id": "chatcmpl-sandbox",
            "object": "chat.completion",
            "model": request["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": said},
                    "finish_reason": script.get("finish_reason", "stop"),
                }
            ],
            "usage": {
                "prompt_tokens": sum(len(one["content"]) for one in request["messages"]) // 4,
                "completion_tokens": script.get("completion_tokens", len(said) // 4),
            },
        }

    @router.post("/_sandbox/answers")
    async def say(script: Body) -> Body:
        scripted.append(script)
        return {"waiting": len(scripted)}

    return router


def _plain_answer(request: Body) -> str:
    shape = request["response_format"]["json_schema"]["schema"]["properties"]
    facts = shape["rests_on"]["items"]["enum"]
    return json.dumps(
        {
            "owner": shape["owner"]["enum"][0],
            "confidence": 0.9,
            "rests_on": [name for name in ("territory", "industry") if name in facts],
            "reason": "The first of the choices, as a sandbox chooses.",
        }
    )
