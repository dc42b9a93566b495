"""The client's side: kept-alive connections to engines, one request at a time on each."""

import asyncio
import ssl
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Final, Protocol, cast
from urllib.parse import urlsplit

import httptools

from serving.wire.head import Headers

_KEEP_ALIVE_S: Final = 3.0
"""Below the 5 s after which uvicorn-based engines close an idle connection: a pooled one is never half dead."""
_MAX_HEAD_BYTES: Final = 65_536


class Fault(StrEnum):
    """Why there is no whole answer. `refused`: no connection; `silent`: closed before the first byte."""

    REFUSED = "refused"
    SILENT = "silent"
    NOT_HTTP = "not_http"
    BROKEN_OFF = "broken_off"


class Receiver(Protocol):
    """Who gets an engine's answer. After `complete` or `failed` nothing more is told."""

    def head(self, status: int, headers: Headers) -> None:
        """Header names are in lower case."""

    def body(self, pieces: Sequence[bytes], complete: bool) -> None:
        """What has arrived of the body by one read; after `complete` the answer is whole."""

    def failed(self, fault: Fault) -> None: ...


class Origin:
    """Where an engine listens: scheme, host, port, and what its paths begin with."""

    __slots__ = ("host", "name", "port", "prefix", "tls")

    def __init__(self, url: str) -> None:
        """Raises ValueError for what is no http(s) URL with a host."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no http(s) URL")
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.host = parts.hostname
        self.port = parts.port or (443 if self.tls else 80)
        self.prefix = parts.path.rstrip("/").encode()
        self.name = parts.netloc.rpartition("@")[2].encode()
        """As the `host` header has it."""


origin_of = cache(Origin)


class Call:
    """One request on its way to an engine, or its answer on the way back."""

    __slots__ = ("_connecting", "_connection", "_origin", "_pool", "_receiver", "_request")

    def __init__(self, pool: "Pool", origin: Origin, request: bytes, receiver: Receiver) -> None:
        self._pool = pool
        self._origin = origin
        self._request = request
        self._receiver = receiver
        self._connection: EngineConnection | None = None
        self._connecting: asyncio.Task[None] | asyncio.Handle | None = None

    def start(self) -> None:
        connection = self._pool.idle(self._origin)
        if connection is None:
            self._connect()
        else:
            self._connection = connection
            connection.ask(self._request, self)

    def abort(self) -> None:
        """Nobody wants the answer any more: the engine hears it by its connection being closed."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.cut()

    def pause(self) -> None:
        if self._connection is not None:
            self._connection.transport.pause_reading()

    def resume(self) -> None:
        if self._connection is not None:
            self._connection.transport.resume_reading()

    @property
    def connected(self) -> bool:
        return self._connection is not None

    # What the connection calls.

    def head(self, status: int, headers: Headers) -> None:
        self._receiver.head(status, headers)

    def body(self, pieces: Sequence[bytes], complete: bool) -> None:
        if complete:
            self._connection = None
        self._receiver.body(pieces, complete)

    def failed(self, fault: Fault, reused: bool) -> None:
        self._connection = None
        if fault is Fault.SILENT and reused:
            # The engine closed a kept-alive connection while the request was on its way: it never saw it.
            self._connect()
        else:
            self._receiver.failed(fault)

    def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pool.refuses(self._origin):
            self._connecting = loop.call_soon(self._refused)
        else:
            self._connecting = loop.create_task(self._connected())

    def _refused(self) -> None:
        self._connecting = None
        self._receiver.failed(Fault.REFUSED)

    async def _connected(self) -> None:
        try:
            connection = await self._pool.connect(self._origin)
        except (OSError, TimeoutError, UnicodeError):  # the last: a name that cannot be looked up
            self._refused()
            return
        self._connecting = None
        self._connection = connection
        connection.ask(self._request, self)


class Pool:
    """Kept-alive connections, the last used first. The live lane and each shadow have their own.

    An origin that refuses a connection is not tried for `refusal_s`: requests meanwhile are refused as that one was.
    """

    def __init__(self, connect_s: float, refusal_s: float = 0.0) -> None:
        self._connect_s = connect_s
        self._refusal_s = refusal_s
        self._refused_until: dict[Origin, float] = {}
        self._idle: dict[Origin, list[EngineConnection]] = {}
        self._open: set[EngineConnection] = set()
        self._loop = asyncio.get_running_loop()
        self.time = self._loop.time

    def send(self, url: str, request: bytes, receiver: Receiver) -> Call:
        """Put the request's bytes to the engine at `url`; what comes back goes to the receiver, never at once."""
        call = Call(self, origin_of(url), request, receiver)
        call.start()
        return call

    def __len__(self) -> int:
        return len(self._open)

    def idle(self, origin: Origin) -> "EngineConnection | None":
        kept = self._idle.get(origin)
        while kept:
            connection = kept.pop()
            if not connection.closed and self._loop.time() - connection.idle_since < _KEEP_ALIVE_S:
                return connection
            connection.cut()
        return None

    def keep(self, connection: "EngineConnection") -> None:
        now = connection.idle_since = self._loop.time()
        kept = self._idle.setdefault(connection.origin, [])
        kept.append(connection)
        if (
            now - kept[0].idle_since >= _KEEP_ALIVE_S
        ):  # the oldest is first: a crowd's connections go one by one
            kept.pop(0).cut()

    def forget(self, connection: "EngineConnection") -> None:
        self._open.discard(connection)
        kept = self._idle.get(connection.origin)
        if kept and connection in kept:
            kept.remove(connection)

    def refuses(self, origin: Origin) -> bool:
        """Whether the origin has just refused a connection."""
        return self._loop.time() < self._refused_until.get(origin, 0.0)

    async def connect(self, origin: Origin) -> "EngineConnection":
        """Raises OSError, TimeoutError."""
        try:
            async with asyncio.timeout(self._connect_s):
                _, connection = await self._loop.create_connection(
                    lambda: EngineConnection(self, origin), origin.host, origin.port, ssl=origin.tls
                )
        except ConnectionRefusedError:
            self._refused_until[origin] = self._loop.time() + self._refusal_s
            raise
        self._open.add(connection)
        return connection

    def close(self) -> None:
        for connection in list(self._open):
            connection.cut()


class EngineConnection(asyncio.Protocol):
    __slots__ = (
        "_answered",
        "_call",
        "_chunked",
        "_head_bytes",
        "_headers",
        "_in_head",
        "_keeps",
        "_length_known",
        "_parser",
        "_pieces",
        "_pool",
        "_reused",
        "_spoilt",
        "_whole",
        "closed",
        "idle_since",
        "origin",
        "transport",
    )

    __deletable__ = ["_parser"]  # noqa: RUF012  (read by the compiler)

    def __init__(self, pool: Pool, origin: Origin) -> None:
        self.origin = origin
        self.closed = False
        self.idle_since = 0.0
        self.transport: asyncio.Transport
        self._pool = pool
        self._call: Call | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._pieces: list[bytes] = []
        self._reused = self._answered = self._whole = self._length_known = False
        self._keeps = self._spoilt = False
        self._in_head = True
        self._head_bytes = 0

    def ask(self, request: bytes, call: Call) -> None:
        if self.closed:
            asyncio.get_running_loop().call_soon(call.failed, Fault.SILENT, self._reused)
            return
        self._call = call
        self._answered = self._whole = self._length_known = False
        self._in_head = True
        self._head_bytes = 0
        self.transport.write(request)

    def cut(self) -> None:
        """Close at once, telling nobody here."""
        self._call = None
        self.closed = True
        self.transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        call = self._call
        if call is None:
            self.cut()  # Nobody asked for anything.
            return
        self._answered = True
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._whole:
                self._end(Fault.BROKEN_OFF if not self._in_head else Fault.NOT_HTTP)
                return
            self._spoilt = True
        if self._in_head and self._head_bytes > _MAX_HEAD_BYTES:
            self._end(Fault.NOT_HTTP)
            return
        if self._call is not call:
            return  # What came of the head was enough: the call was aborted.
        pieces = self._pieces
        if self._whole:
            self._pieces = []
            self._rest()
            call.body(pieces, True)
        elif pieces:
            self._pieces = []
            call.body(pieces, False)

    def eof_received(self) -> None:
        """Answers without a length end so; closing is asyncio's."""

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._pool.forget(self)
        del self._parser  # which holds us: together they would wait for the collector
        call, self._call = self._call, None
        if call is None:
            return
        if not self._answered:
            call.failed(Fault.SILENT, self._reused)
        elif self._in_head:
            call.failed(Fault.NOT_HTTP, False)
        elif self._length_known or error is not None:
            call.failed(Fault.BROKEN_OFF, False)
        else:
            call.body((), True)

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._whole:
            self._spoilt = True  # A second answer to one request; it is nobody's.
            return
        self._headers = []
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self._whole:
            return  # An interim answer's end is not the end.
        headers = self._headers
        self._in_head = False
        self._length_known = status in (204, 304) or any(
            name in (b"content-length", b"transfer-encoding") for name, _ in headers
        )
        if self._call is not None:
            self._call.head(status, headers)

    def on_body(self, body: bytes) -> None:
        if not self._whole:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        if not self._in_head and not self._whole:
            self._whole = True
            self._keeps = self._parser.should_keep_alive()

    # Within.

    def _rest(self) -> None:
        """The answer is whole: keep the connection for the next request, or close it."""
        self._call = None
        self._reused = True
        if (
            self._keeps
            and not self._spoilt
            and not self.closed
            and not self.transport.get_write_buffer_size()  # an answer to half a request
        ):
            self._pool.keep(self)
        else:
            self.cut()

    def _end(self, fault: Fault) -> None:
        call = self._call
        self.cut()
        if call is not None:
            call.failed(fault, False)
