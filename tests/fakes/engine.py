"""A small OpenAI-compatible engine: deterministic answers, and faults on command.

In a test: `async with FakeEngine("v1") as engine: ... engine.url ... engine.fault = Fault.HANG`.
As a process: `python -m tests.fakes.engine --port 9001 --served-name v1 --quality good`.
"""

import argparse
import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import repeat
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes import surface
from tests.fakes.quality import Quality
from tests.fakes.surface import events

__all__ = ["FakeEngine", "Fault", "Quality", "Script", "Seen", "events"]

HUGE_BYTES = 10_000_000
_ENDLESS = b'data: {"choices": [], "padding": "%s"}\n\n' % (b"x" * 131_072)
MODEL_PATH = "/secret/path/to/weights"

Whole = Callable[[dict[str, Any], str, Quality], dict[str, Any]]
Events = Callable[[dict[str, Any], str, Quality], Iterator[bytes]]


class Fault(StrEnum):
    """What goes wrong with the next answers. A refused connection is an engine that was stopped.

    deaf: reads no more than the head of a request. die: breaks off in the middle of the body. stall: falls silent
    there. slow: a byte a second. endless: a stream without an end. *_length: the body is not as long as announced.
    """

    NONE = "none"
    DEAF = "deaf"
    HANG = "hang"
    SERVER_ERROR = "server_error"
    BAD_REQUEST = "bad_request"
    GARBAGE = "garbage"
    NOT_HTTP = "not_http"
    BAD_CHUNK = "bad_chunk"
    LONG_LENGTH = "long_length"
    SHORT_LENGTH = "short_length"
    TWO_LENGTHS = "two_lengths"
    HUGE_HEAD = "huge_head"
    CLOSE_EARLY = "close_early"
    DIE = "die"
    STALL = "stall"
    SLOW = "slow"
    HUGE = "huge"
    ENDLESS = "endless"


_OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_RAW = {
    Fault.NOT_HTTP: b"\x16\x03\x01 this is no HTTP\r\n\r\n",
    Fault.BAD_CHUNK: _OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    Fault.LONG_LENGTH: _OK + b"content-length: 4000\r\n\r\n{}",
    Fault.SHORT_LENGTH: _OK + b"content-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]",
    Fault.TWO_LENGTHS: _OK + b"content-length: 2\r\ncontent-length: 7\r\n\r\n{}     ",
    Fault.HUGE_HEAD: b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(100_000)),
    Fault.CLOSE_EARLY: b"",
}
"""Faults that are these bytes and a closed connection."""


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; header names are in lower case."""

    headers: dict[str, str]
    body: bytes
    path: str = "/v1/chat/completions"

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass(frozen=True)
class Script:
    """An answer word for word: its body in the pieces in which it is written."""

    parts: tuple[bytes, ...]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream; charset=utf-8"),)


@dataclass
class FakeEngine:
    """`seen` grows with every request; `abandoned` is set when a client left before its answer ended.

    `sent_bytes` counts what was written of bodies. `script`, when set, is every answer. `steps`, when set, is acquired before each piece of an answer is written.
    """

    served_name: str
    quality: Quality = Quality.GOOD
    fault: Fault = Fault.NONE
    pause_s: float = 0.0
    script: Script | None = None
    steps: asyncio.Semaphore | None = None
    seen: list[Seen] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    abandoned: asyncio.Event = field(default_factory=asyncio.Event)
    sent_bytes: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    _runner: web.AppRunner | None = None
    _kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Listen on `port`; 0 picks a free one and keeps it."""
        app = web.Application(client_max_size=64_000_000)
        app.router.add_post("/v1/chat/completions", self._door(surface.chat, events))
        app.router.add_post("/v1/completions", self._door(surface.completion, surface.completion_events))
        app.router.add_post("/v1/responses", self._door(self._response, surface.response_events))
        app.router.add_post(
            "/v1/embeddings", self._door(lambda body, name, _: surface.embeddings(body, name))
        )
        app.router.add_post("/tokenize", self._door(lambda body, *_: surface.tokens_of(body)))
        app.router.add_post("/detokenize", self._door(lambda body, *_: surface.text_from(body)))
        app.router.add_get("/v1/responses/{id}", self._stored)
        app.router.add_post("/v1/responses/{id}/cancel", self._stored)
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
        model = {"id": self.served_name, "object": "model", "created": surface.CREATED, "owned_by": "fake"}
        return web.json_response({"object": "list", "data": [{**model, "root": MODEL_PATH}]})

    async def _stored(self, request: web.Request) -> web.Response:
        self.seen.append(await _as_seen(request))
        kept = self._kept.get(request.match_info["id"])
        if kept is None:
            return _error(404, f"Response with id '{request.match_info['id']}' not found.", "NotFoundError")
        return web.json_response(kept)

    def _response(self, body: dict[str, Any], served_name: str, quality: Quality) -> dict[str, Any]:
        whole = surface.response(body, served_name, quality)
        self._kept[whole["id"]] = whole
        return whole

    def _door(self, whole: Whole, streamed: Events | None = None) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if self.fault is Fault.DEAF:
                assert request.transport is not None
                request.transport.pause_reading()
                self.arrived.set()
                await asyncio.Event().wait()
            self.seen.append(await _as_seen(request))
            self.arrived.set()
            try:
                return await self._answer(request, whole, streamed)
            except (asyncio.CancelledError, ConnectionError):
                self.abandoned.set()
                raise

        return handle

    async def _answer(
        self, request: web.Request, whole: Whole, streamed: Events | None
    ) -> web.StreamResponse:
        if self.fault in _RAW:
            return _written_raw(request, _RAW[self.fault])
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
            case Fault.ENDLESS:
                return await self._send(request, Script(()), repeat(_ENDLESS), 0)
            case _:
                pass
        if self.script is not None:
            return await self._send(request, self.script, self.script.parts, len(self.script.parts))
        return await self._said(request, whole, streamed)

    async def _said(self, request: web.Request, whole: Whole, streamed: Events | None) -> web.StreamResponse:
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            return _error(400, "the body is no JSON", "BadRequestError")
        model = body.get("model") if isinstance(body, dict) else None
        if model != self.served_name:
            return _error(404, f"The model `{model}` does not exist.", "NotFoundError")
        try:
            if streamed is not None and body.get("stream"):
                script = Script(tuple(streamed(body, self.served_name, self.quality)))
            else:
                script = _whole_script(whole(body, self.served_name, self.quality))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            return _error(400, f"the fields do not fit: {error!r}", "BadRequestError")
        return await self._send(request, script, script.parts, len(script.parts))

    async def _send(self, request: web.Request, script: Script, parts: Any, count: int) -> web.StreamResponse:
        response = web.StreamResponse(status=script.status)
        response.headers.extend(script.headers)
        await response.prepare(request)
        assert request.transport is not None
        async for number, part in self._paced(parts, count):
            if number == count // 2 and self.fault is Fault.DIE:
                await response.write(part[: len(part) // 2])
                request.transport.close()
                raise ConnectionResetError("the engine dies here")
            if number == count // 2 and self.fault is Fault.STALL:
                await asyncio.Event().wait()
            for piece in _bytewise(part) if self.fault is Fault.SLOW else (part,):
                await response.write(piece)
                self.sent_bytes += len(piece)
                await asyncio.sleep(1.0 if self.fault is Fault.SLOW else 0)
        await response.write_eof()
        return response

    async def _paced(self, parts: Any, count: int) -> AsyncIterator[tuple[int, bytes]]:
        for number, part in enumerate(parts):
            if self.pause_s and count:
                await asyncio.sleep(self.pause_s / count)
            if self.steps is not None:
                await self.steps.acquire()
            yield number, part


async def _as_seen(request: web.Request) -> Seen:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Seen(headers, await request.read(), request.path)


def _whole_script(answer: dict[str, Any]) -> Script:
    raw = json.dumps(answer).encode()
    headers = (("content-type", "application/json"), ("content-length", str(len(raw))))
    return Script((raw[: len(raw) // 2], raw[len(raw) // 2 :]), headers=headers)


def _bytewise(part: bytes) -> Iterator[bytes]:
    return (bytes((byte,)) for byte in part)


def _written_raw(request: web.Request, raw: bytes) -> web.Response:
    transport = request.transport
    assert transport is not None
    if raw:
        transport.write(raw)
        transport.close()
    else:
        transport.abort()
    return web.Response()


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
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # clients that leave are no news
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
