"""One connection of a client: the same requests however their bytes arrive, answered in order, within bounds."""

import asyncio
import re
from dataclasses import dataclass, field
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.wire.head import Headers
from serving.wire.request import Bounds, Request
from serving.wire.server import Connection, Refusal
from serving.wire.watch import Watch
from tests.serving.wire.transport import FakeTransport, split, turns

BOUNDS = Bounds(head_bytes=4096, body_bytes=10_000, head_s=10.0, body_s=30.0, idle_s=75.0)


@dataclass
class Application:
    """Answers at once with the request's number, or keeps the connection until the test answers."""

    at_once: bool = True
    size: int = 0
    admitted: bool = True
    served: list[Request] = field(default_factory=list)
    open: list[Connection] = field(default_factory=list)
    left: list[bool] = field(default_factory=list)
    flow: list[str] = field(default_factory=list)

    def admits(self, request: Request) -> Refusal | None:
        return None if self.admitted else Refusal(401, b"content-length: 0\r\n\r\n")

    def serve(self, request: Request, connection: Connection) -> None:
        self.served.append(request)
        if self.at_once:
            connection.respond(200, b"", b"answer %d" % len(self.served) + b"." * self.size)
        else:
            connection.answering(self)
            self.open.append(connection)

    def refusal(self, status: int, code: str, what: str, headers: Headers) -> Refusal:
        return Refusal(status, b"content-length: 0\r\n\r\n")

    def client_left(self, *, cut: bool) -> None:
        self.left.append(cut)

    def client_full(self) -> None:
        self.flow.append("full")

    def client_ready(self) -> None:
        self.flow.append("ready")


@dataclass
class Client:
    application: Application
    connection: Connection
    transport: FakeTransport
    watch: Watch
    lost: list[Connection]

    async def send(self, *pieces: bytes) -> bytes:
        """What comes back."""
        for piece in pieces:
            if not self.transport.closing:
                self.connection.data_received(piece)
            await turns()
        return self.transport.take()


def connect(application: Application | None = None, bounds: Bounds = BOUNDS) -> Client:
    application = application or Application()
    watch = Watch(asyncio.get_running_loop())
    watch.stop()  # the tests expire by hand
    lost: list[Connection] = []
    connection = Connection(application, bounds, watch, lost.append)
    transport = FakeTransport(connection)
    connection.connection_made(transport)
    return Client(application, connection, transport, watch, lost)


def get(path: str = "/x", *lines: str, version: str = "1.1", method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/{version}", "host: a", *lines, "", "")).encode("latin-1")


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).map(lambda name: f"x-{name}")
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
BODIES = st.binary(max_size=60)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A request, and the body that its framing stands for."""
    body = draw(BODIES)
    lines = [f"{name}: {value}" for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))]
    kind = draw(st.sampled_from(["none", "length", "chunked"]))
    if kind == "none":
        return get("/a?b=c", *lines), b""
    if kind == "length":
        return get("/b", *lines, f"content-length: {len(body)}", method="POST") + body, body
    sizes = draw(st.lists(st.integers(1, 20), max_size=5))
    framed, rest = b"", body
    for size in [*sizes, len(body)]:
        if rest:
            chunk, rest = rest[:size], rest[size:]
            framed += b"%x;e=1\r\n%b\r\n" % (len(chunk), chunk)
    trailer = draw(st.sampled_from([b"", b"x-trailer: 1\r\n"]))
    return (
        get("/c", *lines, "transfer-encoding: chunked", method="POST")
        + framed
        + b"0\r\n"
        + trailer
        + b"\r\n",
        body,
    )


def seen(request: Request) -> tuple[bytes, bytes, bytes, Headers, bytes, bool]:
    return request.method, request.path, request.query, request.headers, request.body, request.keep_alive


@given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(0, 2000), max_size=12))
async def test_any_split_gives_the_same_requests_and_answers(
    asked: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    raw = b"".join(request for request, _ in asked)
    whole, cut = connect(), connect()
    answers = await whole.send(raw)
    assert await cut.send(*split(raw, cuts)) == answers
    assert [seen(request) for request in cut.application.served] == [
        seen(request) for request in whole.application.served
    ]
    assert [request.body for request in whole.application.served] == [body for _, body in asked]
    assert re.findall(rb"answer (\d)", answers) == [b"%d" % n for n in range(1, len(asked) + 1)]


@settings(max_examples=300)
@given(
    requests(),
    requests(),
    st.integers(0, 500),
    st.integers(0, 255),
    st.lists(st.integers(0, 500), max_size=6),
)
async def test_a_wrong_byte_anywhere_is_answered_or_ends_the_connection(
    one: tuple[bytes, bytes], two: tuple[bytes, bytes], place: int, byte: int, cuts: list[int]
) -> None:
    """Split or not, the same requests are served; nothing is raised, and nothing is said after a refusal."""
    raw = bytearray(one[0] + two[0])
    raw[place % len(raw)] = byte
    whole, cut = connect(), connect()
    await whole.send(bytes(raw))
    answers = await cut.send(*split(bytes(raw), cuts))
    assert [seen(r) for r in cut.application.served] == [seen(r) for r in whole.application.served]
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", answers)
    assert all(status in (b"100", b"200") for status in statuses[:-1])
    if statuses and statuses[-1] >= b"400":
        assert cut.transport.ended


async def test_answers_keep_the_order_of_their_requests() -> None:
    client = connect(Application(at_once=False))
    await client.send(get("/1") + get("/2") + get("/3"))
    for number in (1, 2, 3):
        assert [request.path for request in client.application.served] == [
            b"/%d" % n for n in range(1, number + 1)
        ]
        client.connection.respond(200, b"", b"answer %d" % number)
        await turns()
        assert client.transport.take().endswith(b"answer %d" % number)


async def test_a_connection_that_asks_for_its_end_gets_it() -> None:
    client = connect()
    answer = await client.send(get("/1", "connection: close") + get("/2"))
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close\r\n" in answer
    assert client.transport.closing
    assert client.lost == [client.connection]
    assert len(client.watch) == 0


@pytest.mark.parametrize(
    ("version", "lines", "length", "framing", "kept"),
    [
        ("1.1", (), 4, b"content-length: 4\r\n\r\nbody", True),
        ("1.1", (), None, b"transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", True),
        ("1.0", (), 4, b"content-length: 4\r\nconnection: close\r\n\r\nbody", False),
        ("1.0", (), None, b"connection: close\r\n\r\nbody", False),
        (
            "1.0",
            ("connection: keep-alive",),
            4,
            b"content-length: 4\r\nconnection: keep-alive\r\n\r\nbody",
            True,
        ),
        ("1.0", ("connection: keep-alive",), None, b"connection: close\r\n\r\nbody", False),
    ],
)
async def test_framing_suits_the_client(
    version: str, lines: tuple[str, ...], length: int | None, framing: bytes, kept: bool
) -> None:
    client = connect(Application(at_once=False))
    await client.send(get("/x", *lines, version=version))
    client.connection.begin(200, b"", length, (b"body",))
    client.connection.end()
    await turns()
    assert client.transport.take() == b"HTTP/1.1 200 OK\r\n" + framing
    assert client.transport.closing is not kept


@pytest.mark.parametrize("length", [0, None])
@pytest.mark.parametrize("status", [204, 304])
async def test_answers_that_have_no_body_have_no_framing_either(status: int, length: int | None) -> None:
    client = connect(Application(at_once=False))
    await client.send(get())
    client.connection.begin(status, b"", length, ())
    client.connection.end()
    answer = client.transport.take()
    assert b"transfer-encoding" not in answer
    assert b"content-length" not in answer
    assert answer.endswith(b"\r\n\r\n")
    assert answer.count(b"\r\n\r\n") == 1


async def test_the_answer_to_head_has_no_body() -> None:
    """A client reads the next answer right after the empty line."""
    client = connect()
    answer = await client.send(get(method="HEAD") + get())
    first, _, second = answer.partition(b"\r\n\r\n")
    assert b"content-length: 8" in first
    assert second.startswith(b"HTTP/1.1 200 OK")


async def test_a_client_that_leaves_is_told_once() -> None:
    client = connect(Application(at_once=False))
    await client.send(get() + get())
    client.transport.lose(ConnectionResetError())
    await turns()
    assert client.application.left == [False]
    client.connection.respond(200, b"", b"too late")
    client.connection.send((b"x",))
    client.connection.abort()
    await turns()
    assert client.application.left == [False]
    assert len(client.application.served) == 1
    assert client.transport.take() == b""


async def test_a_cut_connection_says_that_it_was_us() -> None:
    client = connect(Application(at_once=False))
    await client.send(get())
    client.connection.cut()
    await turns()
    assert client.application.left == [True]


async def test_who_answers_is_told_of_a_full_client_and_only_of_its_own() -> None:
    client = connect(Application(at_once=False))
    await client.send(get())
    client.transport.reads = False
    client.connection.begin(200, b"", None, (b"x" * 100_000,))
    assert client.application.flow == ["full"]
    client.transport.read_on()
    assert client.application.flow == ["full", "ready"]


async def test_a_client_that_does_not_read_gets_no_further_answers() -> None:
    """What is answered piles up in memory: a client that only asks must not make us hold more and more."""
    client = connect(Application(size=1000))
    client.transport.reads = False
    for _ in range(2000):
        if client.transport.reading and not client.transport.closing:
            await client.send(get())
    assert client.transport.waiting < 1_000_000
    client.transport.read_on()
    await turns(2000)
    assert client.transport.reading, "it is served on when it reads again"


async def test_a_full_client_s_next_answer_waits() -> None:
    client = connect(Application(at_once=False))
    await client.send(get("/1") + get("/2"))
    client.transport.reads = False
    client.connection.respond(200, b"", b"x" * 100_000)
    await turns()
    assert [request.path for request in client.application.served] == [b"/1"]
    client.transport.read_on()
    await turns()
    assert [request.path for request in client.application.served] == [b"/1", b"/2"]


@pytest.mark.parametrize("lines", [(), ("connection: close",)])
async def test_a_client_that_never_takes_its_answer_is_cut_off(lines: tuple[str, ...]) -> None:
    """A closing transport waits for what is unsent; somebody has to stop waiting."""
    client = connect(Application(at_once=False))
    await client.send(get("/x", *lines))
    client.transport.reads = False
    client.connection.respond(200, b"", b"x" * 100_000)
    for _ in range(3):
        assert client.connection.deadline < inf
        client.connection.expire(client.connection.deadline)
        await turns()
        if client.lost:
            break
    assert client.transport.aborted
    assert client.lost


async def test_one_read_of_many_requests_is_bounded() -> None:
    client = connect(Application(at_once=False))
    await client.send(b"GET / HTTP/1.1\r\nhost:a\r\n\r\n" * 10_000)
    assert len(client.connection._ready) < 1000


async def test_deadlines_follow_what_is_awaited() -> None:
    client = connect(Application(at_once=False))
    now = asyncio.get_running_loop().time
    assert client.connection.deadline == pytest.approx(now() + BOUNDS.head_s, abs=5)
    await client.send(get("/", "content-length: 4", method="POST"))
    assert client.connection.deadline == pytest.approx(now() + BOUNDS.body_s, abs=5)
    await client.send(b"body")
    assert client.connection.deadline == inf
    await client.send(b"GET / HT")
    assert client.connection.deadline == inf, "while an answer is under way, the client may take its time"
    client.connection.respond(200, b"", b"")
    assert client.connection.deadline == pytest.approx(now() + BOUNDS.body_s, abs=5)
    await client.send(b"TP/1.1\r\nhost: a\r\n\r\n")
    client.connection.respond(200, b"", b"")
    assert client.connection.deadline == pytest.approx(now() + BOUNDS.idle_s, abs=5)


@pytest.mark.parametrize(
    ("sent", "said"),
    [(b"", b""), (b"GET / HT", b"408"), (get("/", "content-length: 4"), b"408"), (get(), b"")],
)
async def test_what_is_late_is_refused_and_what_is_idle_is_closed(sent: bytes, said: bytes) -> None:
    client = connect()
    if sent:
        await client.send(sent)
    client.connection.expire(client.connection.deadline)
    await turns()
    assert client.transport.take()[9:12] == said
    if said:
        assert await client.send(b"more of it") == b""
        client.connection.expire(client.connection.deadline)
        await turns()
    assert client.lost
    assert len(client.watch) == 0


async def test_a_stranger_s_large_body_is_refused_before_it_is_read() -> None:
    client = connect(Application(admitted=False), Bounds(4096, 10**6, 10, 30, 75))
    answer = await client.send(get("/", "content-length: 100000", method="POST"))
    assert answer.startswith(b"HTTP/1.1 401")
    assert not client.application.served


async def test_1_0_clients_are_not_told_to_go_on() -> None:
    client = connect()
    answer = await client.send(
        get("/", "expect: 100-continue", "content-length: 2", version="1.0", method="POST"), b"{}"
    )
    assert not answer.startswith(b"HTTP/1.1 100")
    assert b"200 OK" in answer


async def test_a_body_of_tiny_chunks_costs_no_more_than_its_bytes() -> None:
    client = connect(bounds=Bounds(4096, 10**6, 10, 30, 75))
    await client.send(get("/", "transfer-encoding: chunked", method="POST"))
    await client.send(*(b"2\r\nxx\r\n" * 5_000 for _ in range(20)))
    assert len(client.connection._body) < 10_000
