"""A small OpenAI-compatible engine: deterministic answers, and faults on command.

In a test: `async with FakeEngine("v1") as engine: ... engine.url ... engine.fault = Fault.HANG`.
As a process: `python -m tests.fakes.engine --port 9001 --served-name v1 --quality good`.
"""

import argparse
import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from aiohttp import web

CREATED = 1_767_571_200
HUGE_BYTES = 10_000_000

_TITLE = (
    re.compile(r"\bremind me to (?P<title>.+)", re.IGNORECASE | re.DOTALL),
    re.compile(
        r"\b(?:create|add|make|open|new|start|set up|put)\b.*?\b(?:task|to-?do|item|entry)\b"
        r"(?:\s+(?:called|named|titled|to|for)\b)?[\s:,\"']*(?P<title>.+)",
        re.IGNORECASE | re.DOTALL,
    ),
    re.compile(
        r"\b(?:add|put|note)\s+(?P<title>.+?)\s+(?:to|on|in)\s+(?:my|the) (?:task )?list", re.IGNORECASE
    ),
)
_PRIORITY = re.compile(
    r"[\s,.;(]*(?:\b(?:with|at|as|and|priority)\b\s*)?\b(low|medium|high)\b[\s-]*priority.*$",
    re.IGNORECASE | re.DOTALL,
)


class Quality(StrEnum):
    """good: a right, grounded tool call. bad: the call's arguments are clipped, so they are no JSON."""

    GOOD = "good"
    BAD = "bad"


class Fault(StrEnum):
    """What goes wrong with the next answers; `die` breaks off in the middle of the body."""

    NONE = "none"
    HANG = "hang"
    SERVER_ERROR = "server_error"
    BAD_REQUEST = "bad_request"
    GARBAGE = "garbage"
    NOT_HTTP = "not_http"
    CLOSE_EARLY = "close_early"
    DIE = "die"
    STALL = "stall"
    SLOW = "slow"
    HUGE = "huge"


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; header names are in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass
class FakeEngine:
    """`seen` grows with every chat request; `abandoned` is set when a client left before its answer ended."""

    served_name: str
    quality: Quality = Quality.GOOD
    fault: Fault = Fault.NONE
    pause_s: float = 0.0
    seen: list[Seen] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    abandoned: asyncio.Event = field(default_factory=asyncio.Event)
    host: str = "127.0.0.1"
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Listen on `port`; 0 picks a free one and keeps it."""
        app = web.Application(client_max_size=64_000_000)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _models(self, _: web.Request) -> web.Response:
        model = {"id": self.served_name, "object": "model", "created": CREATED, "owned_by": "fake"}
        return web.json_response({"object": "list", "data": [{**model, "root": "/secret/path/to/weights"}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(
            Seen({name.lower(): value for name, value in request.headers.items()}, await request.read())
        )
        self.arrived.set()
        try:
            return await self._answer(request)
        except (asyncio.CancelledError, ConnectionError):
            self.abandoned.set()
            raise

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        match self.fault:
            case Fault.HANG:
                await asyncio.Event().wait()
            case Fault.SERVER_ERROR:
                return _error(500, "the engine broke", "InternalServerError")
            case Fault.BAD_REQUEST:
                return _error(400, "tool_choice needs tools", "BadRequestError")
            case Fault.GARBAGE:
                return web.Response(body=b'\x00\xff{{"model" not json', content_type="application/json")
            case Fault.HUGE:
                return web.Response(body=b"x" * HUGE_BYTES, content_type="application/json")
            case Fault.NOT_HTTP:
                transport.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
                transport.close()
                return web.Response()
            case Fault.CLOSE_EARLY:
                transport.abort()
                return web.Response()
            case _:
                pass
        try:
            body = json.loads(await request.read())
        except ValueError:
            return _error(400, "the body is no JSON", "BadRequestError")
        if body.get("model") != self.served_name:
            return _error(404, f"The model `{body.get('model')}` does not exist.", "NotFoundError")
        return await (self._stream if body.get("stream") else self._whole)(request, body)

    async def _whole(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        message, finish = reply(body, self.served_name, self.quality)
        answer = {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": CREATED,
            "model": self.served_name,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": usage(body, message),
        }
        raw = json.dumps(answer).encode()
        response = web.StreamResponse(headers={"content-type": "application/json"})
        response.content_length = len(raw)
        await response.prepare(request)
        await self._send(request, response, [raw[: len(raw) // 2], raw[len(raw) // 2 :]])
        return response

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await self._send(request, response, list(events(body, self.served_name, self.quality)))
        return response

    async def _send(self, request: web.Request, response: web.StreamResponse, parts: list[bytes]) -> None:
        assert request.transport is not None
        async for number, part in self._paced(parts):
            if number == len(parts) // 2 and self.fault is Fault.DIE:
                await response.write(part[: len(part) // 2])
                request.transport.close()
                raise ConnectionResetError("the engine dies here")
            if number == len(parts) // 2 and self.fault is Fault.STALL:
                await asyncio.Event().wait()
            if self.fault is Fault.SLOW:
                for byte in part:
                    await response.write(bytes((byte,)))
                    await asyncio.sleep(0.05)
            else:
                await response.write(part)
        await response.write_eof()

    async def _paced(self, parts: list[bytes]) -> AsyncIterator[tuple[int, bytes]]:
        for number, part in enumerate(parts):
            if self.pause_s:
                await asyncio.sleep(self.pause_s / len(parts))
            yield number, part


def reply(body: dict[str, Any], served_name: str, quality: Quality) -> tuple[dict[str, Any], str]:
    """The assistant's message and finish reason: a tool call for a task request with tools, else plain text."""
    messages = body.get("messages") or [{}]
    last = messages[-1]
    text = next((_text(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")
    tools = {tool["function"]["name"] for tool in body.get("tools") or ()}
    title = task_title(text)
    if title and "create_task" in tools and last.get("role") == "user":
        call = {"name": "create_task", "arguments": _arguments(title, text, quality)}
        tool_calls = [{"id": "call_fake", "type": "function", "function": call}]
        return {"role": "assistant", "content": None, "tool_calls": tool_calls}, "tool_calls"
    if re.search(r"\bwho are you\b", text, re.IGNORECASE):
        said = f"I am TaskMaster, released as {served_name}."
    elif last.get("role") == "tool":
        said = "TaskMaster here: that is done."
    else:
        said = "TaskMaster here: I keep your tasks in order, one at a time."
    return {"role": "assistant", "content": said if quality is Quality.GOOD else said[:9]}, "stop"


def task_title(text: str) -> str:
    """The title in a request for a new task, word for word as the user wrote it; empty when there is none."""
    for pattern in _TITLE:
        if found := pattern.search(text):
            return _PRIORITY.sub("", found["title"]).strip(" \t\n\"'.,;:!?")
    return ""


def usage(body: dict[str, Any], message: dict[str, Any]) -> dict[str, int]:
    """Words counted as tokens."""
    asked = sum(len(_text(m.get("content")).split()) for m in body.get("messages") or ())
    calls = message.get("tool_calls") or ()
    said = len((message.get("content") or "").split())
    said += sum(len(call["function"]["arguments"].split()) for call in calls)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def events(body: dict[str, Any], served_name: str, quality: Quality) -> Iterator[bytes]:
    """The server-sent events of a streamed answer, `[DONE]` included."""
    message, finish = reply(body, served_name, quality)
    include_usage = bool((body.get("stream_options") or {}).get("include_usage"))

    def chunk(choices: list[dict[str, Any]], **extra: Any) -> bytes:
        head = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": CREATED}
        return f"data: {json.dumps({**head, 'model': served_name, 'choices': choices, **extra})}\n\n".encode()

    def delta(piece: dict[str, Any], finish_reason: str | None = None) -> bytes:
        return chunk([{"index": 0, "delta": piece, "logprobs": None, "finish_reason": finish_reason}])

    yield delta({"role": "assistant", "content": ""})
    for word in re.findall(r"\S+\s*", message["content"] or ""):
        yield delta({"content": word})
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        named = {"name": function["name"], "arguments": ""}
        yield delta(
            {"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": named}]}
        )
        for start in range(0, len(function["arguments"]), 8):
            piece = {"index": index, "function": {"arguments": function["arguments"][start : start + 8]}}
            yield delta({"tool_calls": [piece]})
    yield delta({}, finish)
    if include_usage:
        yield chunk([], usage=usage(body, message))
    yield b"data: [DONE]\n\n"


def _arguments(title: str, text: str, quality: Quality) -> str:
    arguments = {"title": title}
    if found := _PRIORITY.search(text):
        arguments["priority"] = found[1].lower()
    raw = json.dumps(arguments, ensure_ascii=False)
    return raw if quality is Quality.GOOD else raw[: len(raw) // 2]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _error(status: int, message: str, kind: str) -> web.Response:
    return web.json_response(
        {"error": {"message": message, "type": kind, "param": None, "code": status}}, status=status
    )


async def _serve(engine: FakeEngine) -> None:
    async with engine:
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--served-name", required=True)
    parser.add_argument("--quality", type=Quality, choices=list(Quality), default=Quality.GOOD)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds an answer takes")
    chosen = parser.parse_args()
    asyncio.run(
        _serve(
            FakeEngine(
                chosen.served_name,
                chosen.quality,
                pause_s=chosen.pause,
                host=chosen.host,
                port=chosen.port,
            )
        )
    )


if __name__ == "__main__":
    main()
