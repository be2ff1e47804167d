"""
A model, through the Chat Completions interface that most of them offer (OpenAI's, as published).

One question, one JSON object as an answer, and what it used. Nothing here judges the answer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from integrations.errors import Unavailable
from integrations.pace import Pace
from integrations.web import Web

COMPLETIONS = "chat/completions"
SYSTEM = "the model"

Message = Mapping[str, str]


@dataclass(frozen=True)
class Completion:
    """What a model said, and the tokens that it counted."""

    text: str
    tokens_in: int
    tokens_out: int
    cut_off: bool  #: it ran into the limit on its own tokens


@dataclass(frozen=True)
class Wish:
    """What is asked of a model; its bytes are known before it is sent."""

    model: str
    messages: Sequence[Message]
    schema: Mapping[str, Any]  #: JSON Schema of the answer
    most_tokens: int  #: of the answer

    @property
    def content(self) -> bytes:
        """The body of the request."""
        shape = {"name": "answer", "strict": True, "schema": dict(self.schema)}
        words = {
            "model": self.model,
            "messages": [dict(one) for one in self.messages],
            "max_completion_tokens": self.most_tokens,
            "response_format": {"type": "json_schema", "json_schema": shape},
        }
        return json.dumps(words, ensure_ascii=False).encode()


class Chat:
    """A model's endpoint. Raises `Unavailable` and `Refused`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    @classmethod
    def at(cls, url: str, token: str, timeout: float = 60.0, *, pace: Pace | None = None) -> Self:
        """Connect to an address that ends before `/chat/completions`, with its key."""
        base = f"{url.rstrip('/')}/"
        return cls(Web(SYSTEM, base, token, timeout=timeout, pace=pace))

    async def close(self) -> None:
        """Close the connections."""
        await self._web.__aexit__()

    async def complete(self, wish: Wish) -> Completion:
        """Ask once."""
        found = await self._web.send("POST", COMPLETIONS, wish.content)
        try:
            choice, usage = found["choices"][0], found["usage"]
            return Completion(
                text=choice["message"]["content"] or "",
                tokens_in=int(usage["prompt_tokens"]),
                tokens_out=int(usage["completion_tokens"]),
                cut_off=choice.get("finish_reason") == "length",
            )
        except (KeyError, IndexError, TypeError, ValueError):
            raise Unavailable(SYSTEM, "its answer is no completion with its usage") from None
