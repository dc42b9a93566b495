"""Connections to engines: the same answers however their bytes arrive, kept only when sound, retried only when unseen."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.wire.client import Call, EngineConnection, Fault, Origin, Pool, origin_of
from serving.wire.head import Headers
from tests.serving.wire.transport import FakeTransport, split, turns

URL = "http://engine:8000"
ASKED = b"POST / HTTP/1.1\r\nhost: engine\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Receiver:
    """Notes all that it is told; it is an error to be told anything after the end."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    ended: list[Fault | None] = field(default_factory=list)
    on_head: Callable[[], object] = lambda: None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def head(self, status: int, headers: Headers) -> None:
        assert not self.ended
        assert not self.status
        self.status, self.headers = status, headers
        self.on_head()

    def body(self, pieces: Sequence[bytes], complete: bool) -> None:
        assert not self.ended
        assert self.status
        self.pieces += pieces
        if complete:
            self.ended.append(None)
            self.over.set()

    def failed(self, fault: Fault) -> None:
        assert not self.ended
        self.ended.append(fault)
        self.over.set()

    @property
    def told(self) -> tuple[int, Headers, bytes, list[Fault | None]]:
        return self.status, self.headers, b"".join(self.pieces), self.ended


class Engines(Pool):
    """A pool whose connections are fake; `refuse` makes the next attempts fail with it."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.made: list[FakeTransport] = []
        self.refuse: BaseException | None = None
        self.hang: asyncio.Event | None = None

    async def connect(self, origin: Origin) -> EngineConnection:
        if self.hang is not None:
            await self.hang.wait()
        await asyncio.sleep(0)
        if self.refuse is not None:
            raise self.refuse
        connection = EngineConnection(self, origin)
        transport = FakeTransport(connection)
        connection.connection_made(transport)
        self.made.append(transport)
        self._open.add(connection)
        return connection

    async def ask(self, receiver: Receiver) -> Call:
        call = self.send(URL, ASKED, receiver)
        await turns()
        return call

    def answer(self, *pieces: bytes, last: bool = False, of: int = -1) -> None:
        """The last connection's engine says this, and closes if it is the `last`."""
        transport = self.made[of]
        for piece in pieces:
            if not transport.closing:
                transport.protocol.data_received(piece)
        if last and not transport.closing:
            transport.protocol.eof_received()
            transport.lose()


def length(body: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", *lines, b"content-length: %d" % len(body), b"", body))


def chunked(body: bytes, size: int = 7) -> bytes:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"


@given(
    st.binary(max_size=80),
    st.sampled_from(["length", "chunked", "close", "1.0"]),
    st.sampled_from([b"", INTERIM, INTERIM + HINTS]),
    st.lists(st.integers(0, 400), max_size=10),
)
async def test_any_split_gives_the_same_answer(
    body: bytes, kind: str, interim: bytes, cuts: list[int]
) -> None:
    raw = {
        "length": length(body, b"x-a: b"),
        "chunked": chunked(body),
        "close": b"HTTP/1.1 200 OK\r\nx-a: b\r\n\r\n" + body,
        "1.0": b"HTTP/1.0 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body,
    }[kind]
    pool, receiver = Engines(), Receiver()
    await pool.ask(receiver)
    assert pool.made[0].take() == ASKED
    pool.answer(*split(interim + raw, cuts), last=kind == "close")
    await turns()
    assert (receiver.status, b"".join(receiver.pieces), receiver.ended) == (200, body, [None])
    assert pool.made[0].closing is (kind in ("close", "1.0"))
    assert len(pool) == (0 if kind in ("close", "1.0") else 1)


@settings(max_examples=300)
@given(
    st.sampled_from([length(b"x" * 20, b"x-a: b"), chunked(b"x" * 20), INTERIM + length(b"")]),
    st.integers(0, 200),
    st.integers(0, 255) | st.just(-1),
    st.lists(st.integers(0, 200), max_size=5),
)
async def test_a_wrong_byte_or_an_early_end_anywhere_ends_the_answer_once(
    raw: bytes, place: int, byte: int, cuts: list[int]
) -> None:
    """However it is split, somebody is told the end, and a connection that is kept still works."""
    place %= len(raw)
    spoilt = raw[:place] if byte < 0 else raw[:place] + bytes((byte,)) + raw[place + 1 :]
    pool, receiver = Engines(), Receiver()
    await pool.ask(receiver)
    pool.answer(*split(spoilt, cuts), last=True)
    await turns()
    assert len(receiver.ended) == 1
    assert len(pool) == 0


async def test_a_connection_is_used_again_and_the_last_used_first() -> None:
    pool = Engines()
    for _ in range(3):
        receiver = Receiver()
        await pool.ask(receiver)
        pool.answer(length(b"x"))
        assert receiver.ended == [None]
    assert len(pool.made) == len(pool) == 1


async def test_what_is_stale_is_not_used() -> None:
    pool = Engines()
    await pool.ask(Receiver())
    pool.answer(length(b"x"))
    next(iter(pool._open)).idle_since -= 4.0
    receiver = Receiver()
    await pool.ask(receiver)
    assert len(pool.made) == 2
    assert pool.made[0].closing


@pytest.mark.parametrize(
    "extra", [length(b"other"), b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"garbage", b"\x00"]
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_nobody_asked_for_spoils_the_connection_and_reaches_nobody(
    extra: bytes, at_once: bool
) -> None:
    pool, receiver = Engines(), Receiver()
    await pool.ask(receiver)
    pool.answer(*([length(b"x") + extra] if at_once else [length(b"x"), extra]))
    assert receiver.told == (200, [(b"content-length", b"1")], b"x", [None])
    await turns()
    await pool.ask(Receiver())
    assert len(pool.made) == 2
    assert pool.made[0].closing
    assert len(pool) == 1


async def test_an_engine_that_closed_a_kept_connection_is_asked_again_once() -> None:
    pool = Engines()
    await pool.ask(Receiver())
    pool.answer(length(b"x"))
    receiver = Receiver()
    await pool.ask(receiver)
    pool.made[0].lose(ConnectionResetError())
    await turns()
    assert not receiver.ended
    assert pool.made[1].take() == ASKED
    pool.made[1].lose()
    await turns()
    assert receiver.ended == [Fault.SILENT]
    assert len(pool) == 0


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (b"", Fault.SILENT),
        (b"HTTP/1.1 200 OK\r\nconte", Fault.NOT_HTTP),
        (b"\x16\x03\x01", Fault.NOT_HTTP),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", Fault.NOT_HTTP),
        (length(b"xx")[:-1], Fault.BROKEN_OFF),
        (chunked(b"x")[:-1], Fault.BROKEN_OFF),
        (chunked(b"x").replace(b"0\r\n", b"z\r\n"), Fault.BROKEN_OFF),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, Fault.NOT_HTTP),
        (INTERIM * 5000, Fault.NOT_HTTP),
    ],
)
async def test_what_is_no_whole_answer_has_a_name(said: bytes, fault: Fault) -> None:
    pool, receiver = Engines(), Receiver()
    await pool.ask(receiver)
    pool.answer(*(said[at : at + 50_000] for at in range(0, len(said), 50_000)), last=True)
    await turns()
    assert receiver.ended == [fault]
    assert len(pool) == 0


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_that_have_no_body_are_whole_with_their_head(status: int) -> None:
    pool, receiver = Engines(), Receiver()
    await pool.ask(receiver)
    pool.answer(b"HTTP/1.1 %d X\r\ncontent-length: 7\r\n\r\n" % status)
    assert receiver.told == (status, [(b"content-length", b"7")], b"", [None])
    await pool.ask(Receiver())
    assert len(pool.made) == 1


async def test_after_an_abort_nothing_is_told_and_the_connection_is_not_used_again() -> None:
    pool, receiver = Engines(), Receiver()
    call = await pool.ask(receiver)
    pool.answer(length(b"xx")[:-1])
    call.abort()
    call.abort()
    assert pool.made[0].aborted
    await turns()
    assert not receiver.ended
    await pool.ask(Receiver())
    assert len(pool.made) == 2


async def test_a_receiver_may_abort_when_it_sees_the_head() -> None:
    pool = Engines()
    receiver = Receiver()
    call = await pool.ask(receiver)
    receiver.on_head = call.abort
    pool.answer(length(b"xx"))
    await turns()
    assert (receiver.status, receiver.pieces, receiver.ended) == (200, [], [])
    assert len(pool) == 0


async def test_a_call_may_be_aborted_while_it_connects() -> None:
    pool, receiver = Engines(), Receiver()
    pool.hang = asyncio.Event()
    call = await pool.ask(receiver)
    call.pause()
    call.resume()
    call.abort()
    pool.hang.set()
    await turns()
    assert not receiver.ended
    assert not pool.made


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(), TimeoutError(), ssl.SSLError(), UnicodeError("label too long")]
)
async def test_who_cannot_be_reached_refuses(error: Exception) -> None:
    pool, receiver = Engines(), Receiver()
    pool.refuse = error
    await pool.ask(receiver)
    assert receiver.ended == [Fault.REFUSED]


async def test_a_name_that_no_resolver_takes_refuses() -> None:
    """Such a URL comes from whoever registered the release."""
    receiver = Receiver()
    pool = Pool(1.0)
    pool.send("http://a..b:1", ASKED, receiver)
    async with asyncio.timeout(30):
        while not receiver.ended:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert receiver.ended == [Fault.REFUSED]


async def test_an_answer_before_the_whole_request_was_sent_ends_the_connection() -> None:
    """What is left of the request would stand before the next one."""
    pool, receiver = Engines(), Receiver()
    await pool.ask(receiver)
    pool.made[0].waiting = 100_000
    pool.answer(length(b"too large"))
    assert receiver.ended == [None]
    await pool.ask(Receiver())
    assert len(pool.made) == 2


async def test_idle_connections_do_not_stay_for_ever() -> None:
    """A crowd leaves as many connections as it had requests at once; engines need not close them."""
    pool = Engines()
    receivers = [Receiver() for _ in range(10)]
    for receiver in receivers:
        await pool.ask(receiver)
    for transport in pool.made:
        transport.protocol.data_received(length(b"x"))
    assert len(pool) == 10
    for connection in pool._idle[origin_of(URL)][:-1]:
        connection.idle_since -= 60.0
    for _ in range(10):
        await pool.ask(Receiver())
        pool.answer(length(b"x"), of=pool.made.index(next(t for t in reversed(pool.made) if not t.closing)))
        await turns()
    assert len(pool) <= 2


async def test_an_engine_that_refused_is_left_alone_for_a_while() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    asked = [Receiver() for _ in range(4)]
    patient, eager = Pool(5.0, 600.0), Pool(5.0)

    async def ask(pool: Pool, receiver: Receiver) -> None:
        pool.send(url, ASKED, receiver)
        await asyncio.wait_for(receiver.over.wait(), 60)

    await ask(patient, asked[0])
    await ask(eager, asked[1])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(length(b"x"))
        writer.close()
        await writer.wait_closed()

    origin = origin_of(url)
    async with await asyncio.start_server(answer, origin.host, origin.port):
        await ask(patient, asked[2])
        await ask(eager, asked[3])
        patient.close()
        eager.close()
    assert [receiver.ended for receiver in asked] == [
        [Fault.REFUSED],
        [Fault.REFUSED],
        [Fault.REFUSED],
        [None],
    ]


async def test_a_request_that_would_be_refused_can_be_aborted() -> None:
    pool, receiver = Engines(), Receiver()
    pool._refused_until[origin_of(URL)] = pool.time() + 600.0
    call = pool.send(URL, ASKED, receiver)
    assert not receiver.ended, "nothing is told at once"
    call.abort()
    await turns()
    assert not receiver.ended


async def test_the_pool_closes_all_that_is_open() -> None:
    pool, receiver = Engines(), Receiver()
    await pool.ask(receiver)
    await pool.ask(Receiver())
    pool.close()
    await turns()
    assert all(transport.aborted for transport in pool.made)
    assert len(pool) == 0
    assert not receiver.ended
