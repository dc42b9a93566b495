"""A request for every endpoint, and what came back, word for word."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

from serving.router.app import Router
from tests.serving.router.stack import CHAT_KEY, CREATE_TASK, DEPLOYMENT, TASK

MESSAGES = [{"role": "user", "content": TASK}]
CLOCK_S = frozenset({"date"})
"""Headers that tell the time."""


@dataclass(frozen=True)
class Asked:
    """A request that the fake engines answer; `fields` come without the model."""

    path: str
    fields: Mapping[str, Any]

    def raw(self, model: str = DEPLOYMENT) -> bytes:
        return json.dumps({"model": model, **self.fields}).encode()


@dataclass(frozen=True)
class Answered:
    """Headers are in the order and case in which they arrived, without the clock's."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error in OpenAI's shape; fails when it is anything else."""
        parsed = json.loads(self.body)
        assert set(parsed) == {"error"}
        found: dict[str, Any] = parsed["error"]
        assert set(found) == {"message", "type", "param", "code"}
        assert found["message"]
        return found

    def header(self, name: str) -> str | None:
        """The one value; None when there is none. Fails when it comes twice."""
        values = [value for each, value in self.headers if each.lower() == name]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


_STREAM = {"stream": True, "stream_options": {"include_usage": True}}
_CHAT = {"messages": MESSAGES, "tools": [CREATE_TASK], "n": 1, "seed": 7, "temperature": 0.5, "top_p": 0.9}
_COMPLETION = {"prompt": "who are you", "seed": 7, "max_tokens": 20}
_RESPONSE = {"input": "who are you", "store": False, "temperature": 0.5}

MIRRORED: dict[str, Asked] = {
    "chat": Asked("/v1/chat/completions", _CHAT),
    "chat stream": Asked("/v1/chat/completions", {**_CHAT, **_STREAM}),
    "completions": Asked("/v1/completions", _COMPLETION),
    "completions stream": Asked("/v1/completions", {**_COMPLETION, **_STREAM}),
    "responses": Asked("/v1/responses", _RESPONSE),
    "responses stream": Asked("/v1/responses", {**_RESPONSE, "stream": True}),
}
PASSED: dict[str, Asked] = {
    "embeddings": Asked("/v1/embeddings", {"input": ["one", "two"]}),
    "tokenize": Asked("/tokenize", {"prompt": "one two"}),
    "detokenize": Asked("/detokenize", {"tokens": [111, 110]}),
}
EVERY = MIRRORED | PASSED


async def ask(
    session: ClientSession,
    router: Router,
    asked: Asked,
    headers: Mapping[str, str] | None = None,
    *,
    key: str = CHAT_KEY,
    raw: bytes | None = None,
) -> Answered:
    """The answer to `asked`, or to `raw` at the same path."""
    sent = {"authorization": f"Bearer {key}", "content-type": "application/json", **(headers or {})}
    return await send(session, "POST", router.url + asked.path, sent, raw or asked.raw())


async def send(
    session: ClientSession, method: str, url: str, headers: Mapping[str, str], raw: bytes | None = None
) -> Answered:
    """One request, and the whole answer to it."""
    async with session.request(method, url, data=raw, headers=headers, allow_redirects=False) as answer:
        named = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.raw_headers)
        kept = tuple((name, value) for name, value in named if name.lower() not in CLOCK_S)
        return Answered(answer.status, kept, await answer.read())


async def get(session: ClientSession, router: Router, path: str, **headers: str) -> Answered:
    sent = {"authorization": f"Bearer {CHAT_KEY}", **headers}
    return await send(session, "GET", router.url + path, sent)
