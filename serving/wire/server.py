"""The server's side of a connection: requests are read one after the other, and each is answered before the next.

Whatever a client sends is answered with a 4xx or the connection is closed; what it makes us hold is bounded.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Final, NamedTuple, Protocol, cast

import httptools

from serving.wire.head import Headers, status_line
from serving.wire.request import Bounds, Objection, Request, check, too_large
from serving.wire.watch import Watch

_PIPELINED: Final = 8
"""Requests that may wait for the answer to one before them; then reading stops."""
_MOST_PIECES: Final = 4096
"""Of a body: tiny chunks take many times their bytes while they are apart."""
_MOST_WAITING: Final = 100
"""One read may bring more than that, but not more than this."""
_LINGER_S: Final = 2.0
"""After a refusal, what is still being sent is thrown away for so long: closing at once would destroy the answer."""
_FRAMING: Final = 8
"""Bytes that a chunked body may take for each byte of it: chunks of one byte take six."""
_SMALL_BODY: Final = 65_536
"""A shorter body is read before it is known who sends it: it is here with its head."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE: Final = b"connection: close\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"


class Answering(Protocol):
    """Who answers the request under way; told what becomes of its client."""

    def client_left(self, *, cut: bool) -> None:
        """`cut`: it was us who closed, because the process ends."""

    def client_full(self) -> None: ...

    def client_ready(self) -> None: ...


class Refusal(NamedTuple):
    """An answer that ends its connection: `content` is headers, an empty line and a body."""

    status: int
    content: bytes


class Application(Protocol):
    def admits(self, request: Request) -> Refusal | None:
        """Asked before a body is read that is worth not reading; None lets it come."""

    def serve(self, request: Request, connection: "Connection") -> None:
        """Answer the request by `connection.answering`, `begin`, `send` and `end`, now or later; never raises."""

    def refusal(self, status: int, code: str, what: str, headers: Headers) -> Refusal:
        """The answer to a request that cannot be read; `headers` are those that could be."""


class _NotAdmitted(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


class Connection(asyncio.Protocol):
    """One client. An answer is `begin`, any number of `send`, `end`; or `abort`, which cuts it off."""

    __slots__ = (
        "_answering",
        "_application",
        "_bodiless",
        "_body",
        "_body_bytes",
        "_bounds",
        "_broken",
        "_busy",
        "_chunked",
        "_current",
        "_cut",
        "_full",
        "_gone",
        "_head_bytes",
        "_headers",
        "_in_body",
        "_keep",
        "_lingering",
        "_loop",
        "_lost",
        "_parser",
        "_paused",
        "_raw_bytes",
        "_reading",
        "_ready",
        "_request",
        "_target",
        "_watch",
        "deadline",
        "draining",
        "opened",
        "transport",
    )
    __deletable__ = ["_parser"]  # noqa: RUF012  (read by the compiler)

    def __init__(
        self,
        application: Application,
        bounds: Bounds,
        watch: Watch,
        lost: Callable[["Connection"], None],
    ) -> None:
        self._application = application
        self._bounds = bounds
        self._watch = watch
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._ready: deque[Request] = deque()
        self._request: Request | None = None
        self._current: Request
        self._answering: Answering | None = None
        self._target = b""
        self._headers: Headers = []
        self._body: list[bytes] = []
        self._head_bytes = self._body_bytes = self._raw_bytes = 0
        self._busy = self._in_body = self._reading = self._paused = self._full = self._bodiless = False
        self._broken = self._gone = self._lingering = False
        self._chunked = self._keep = self._cut = False
        self.draining = False
        self.opened = False
        """Whether there is a transport already: loops make a protocol a turn earlier."""
        self.deadline = inf
        self.transport: asyncio.Transport

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self.opened = True
        if self._cut:
            self.transport.abort()
        self.deadline = self._loop.time() + self._bounds.head_s
        self._watch.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._gone = True
        self._watch.forget(self)
        self._lost(self)
        self._ready.clear()
        del self._parser  # which holds us: together they would wait for the collector
        answering, self._answering = self._answering, None
        if answering is not None:
            answering.client_left(cut=self._cut)

    def data_received(self, data: bytes) -> None:
        if self._lingering or self._broken:
            return
        try:
            self._feed(data)
        except Objection as objection:
            self._refuse(objection)
        except _NotAdmitted as error:
            self._turn_away(error.refusal)
        if self._ready:
            if not self._busy:
                self._next()
            if len(self._ready) > _PIPELINED and not self._paused:
                self._paused = True
                self.transport.pause_reading()

    def pause_writing(self) -> None:
        self._full = True
        if self._answering is not None:
            self._answering.client_full()

    def resume_writing(self) -> None:
        self._full = False
        if self._answering is not None:
            self._answering.client_ready()
        self._next()

    def expire(self, now: float) -> None:
        """The head, the body or the next request did not come in time, or a refusal has lingered."""
        self.deadline = inf
        if self.transport.is_closing() or self._full:
            self.transport.abort()
        elif self._lingering or not self._reading:
            self.transport.close()
            self.deadline = now + _LINGER_S
        else:
            self._refuse(Objection(408, "request_timeout", "The request did not arrive in time."))

    # What the parser calls.

    def on_message_begin(self) -> None:
        if len(self._ready) >= _MOST_WAITING:
            raise Objection(400, "too_many_requests", "Too many requests were sent before their answers.")
        self._target = b""
        self._headers = []
        self._body = []
        self._body_bytes = self._raw_bytes = 0
        self._in_body = False
        self._reading = True
        if not self._busy:
            self.deadline = self._loop.time() + self._bounds.head_s

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:  # else it is a trailer, which nobody needs
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser, headers = self._parser, self._headers
        self._in_body = True
        request = self._request = Request(
            parser.get_method(), self._target, headers, parser.get_http_version()
        )
        if parser.should_upgrade():
            raise Objection(400, "upgrade_not_supported", "This server speaks HTTP/1.1 only.")
        check(request, self._bounds, self._head_bytes)
        continues = b"expect" in request.named
        if continues or b"transfer-encoding" in request.named or request.length > _SMALL_BODY:
            self._admit(request, continues=continues)
        if not self._busy:
            self.deadline = self._loop.time() + self._bounds.body_s

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._bounds.body_bytes:
            raise too_large(self._bounds)
        self._body.append(body)
        if len(self._body) >= _MOST_PIECES:
            self._body = [b"".join(self._body)]

    def on_message_complete(self) -> None:
        request = self._request
        assert request is not None
        body = self._body
        request.body = body[0] if len(body) == 1 else b"".join(body)
        request.keep_alive = self._parser.should_keep_alive()
        self._request = None
        self._reading = False
        self._head_bytes = 0
        self._ready.append(request)

    # What answers a request.

    def answering(self, answering: Answering) -> None:
        """Tell `answering` what becomes of the client, until the answer has ended."""
        self._answering = answering

    def respond(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer at once."""
        self.begin(status, headers, len(body), (body,))
        self.end()

    def begin(self, status: int, headers: bytes, length: int | None, first: Sequence[bytes] = ()) -> None:
        """The head, with the first pieces of the body in the same write. `length` None: not known yet."""
        if self._gone:
            return
        old = self._current.version == "1.0"
        self._bodiless = status in (204, 304) or self._current.method == b"HEAD"
        self._chunked = length is None and not old and not self._bodiless
        framed = length is not None or not old or self._bodiless
        self._keep = self._current.keep_alive and not self.draining and framed
        framing = b"transfer-encoding: chunked\r\n" if self._chunked else b""
        if length is not None and status not in (204, 304):
            framing = b"content-length: %d\r\n" % length
        if not self._keep:
            framing += _CLOSE
        elif old:
            framing += b"connection: keep-alive\r\n"
        self.transport.write(b"".join((status_line(status), headers, framing, b"\r\n", self._framed(first))))

    def send(self, pieces: Sequence[bytes]) -> None:
        """More of the body, in one write."""
        if pieces and not self._gone:
            self.transport.write(self._framed(pieces))

    def end(self, last: Sequence[bytes] = ()) -> None:
        """The answer is complete, after these last pieces. The next request, if there is one, gets its turn."""
        if self._gone:
            return
        self._answering = None
        rest = self._framed(last) + (_LAST_CHUNK if self._chunked else b"")
        if rest:
            self.transport.write(rest)
        self._chunked = False
        bounds = self._bounds
        if not self._keep or (self._broken and not self._ready):
            self.transport.close()
            self.deadline = self._loop.time() + bounds.idle_s  # what is unsent may take so long
            return
        self._busy = False
        if self._ready and not self._full:
            self._loop.call_soon(self._next)
        else:
            self.deadline = self._loop.time() + (bounds.body_s if self._reading else bounds.idle_s)

    def abort(self) -> None:
        """Cut the answer off: the client sees that it is not whole."""
        self._answering = None
        self.transport.abort()

    def cut(self) -> None:
        """Close now, whatever is under way: the process ends."""
        self._cut = True
        if self.opened:
            self.transport.abort()

    @property
    def idle(self) -> bool:
        """Whether nothing is asked and nothing is being answered."""
        return not (self._busy or self._reading or self._ready)

    # Within.

    def _feed(self, data: bytes) -> None:
        if self._request is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            raise cause if isinstance(cause, Objection | _NotAdmitted) else error from None
        except httptools.HttpParserError as error:
            raise Objection(400, "malformed_request", f"The request is not HTTP/1.1: {error}.") from None
        most = self._bounds.head_bytes
        if self._request is None:
            if self._reading and self._head_bytes > most:
                raise Objection(431, "head_too_large", "The request's headers are too long.")
        else:
            self._raw_bytes += len(data)
            if self._raw_bytes > 2 * most + _FRAMING * self._body_bytes:
                raise Objection(400, "malformed_request", "The body is hardly more than its own framing.")

    def _admit(self, request: Request, *, continues: bool) -> None:
        """A stranger's body is not read."""
        refusal = self._application.admits(request)
        if refusal is not None:
            raise _NotAdmitted(refusal)
        if continues and request.version == "1.1" and not self._busy and not self._ready:
            self.transport.write(_CONTINUE)

    def _next(self) -> None:
        """Serve the oldest request that waits."""
        if self._gone or self._busy or self._full or not self._ready:
            return
        self._busy = True
        self.deadline = inf
        self._current = self._ready.popleft()
        if self._paused and len(self._ready) <= _PIPELINED:
            self._paused = False
            self.transport.resume_reading()
        self._application.serve(self._current, self)

    def _refuse(self, objection: Objection) -> None:
        """Answer what cannot be read and close; after answers under way nothing more is said."""
        self._turn_away(
            self._application.refusal(objection.status, objection.code, objection.what, self._headers)
        )

    def _turn_away(self, refusal: Refusal) -> None:
        if self._busy or self._ready:
            self._broken = True
            return
        self._lingering = True
        self.transport.write(status_line(refusal.status) + _CLOSE + refusal.content)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.deadline = self._loop.time() + _LINGER_S

    def _framed(self, pieces: Sequence[bytes]) -> bytes:
        if not pieces or self._bodiless:
            return b""
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if not self._chunked or not body:
            return body
        return b"%x\r\n%b\r\n" % (len(body), body)
