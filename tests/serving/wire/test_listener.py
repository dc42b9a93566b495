"""The open port: how many come in, and how they leave when the process ends."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from serving.wire.head import Headers
from serving.wire.listener import Listener
from serving.wire.request import Bounds, Request
from serving.wire.server import Connection, Refusal
from serving.wire.watch import Watch

ASKED = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
PATIENCE_S = 30.0


@dataclass
class Application:
    """Keeps each connection until the test answers it."""

    open: list[Connection] = field(default_factory=list)
    left: list[bool] = field(default_factory=list)

    def admits(self, request: Request) -> Refusal | None:
        return None

    def serve(self, request: Request, connection: Connection) -> None:
        connection.answering(self)
        self.open.append(connection)

    def refusal(self, status: int, code: str, what: str, headers: Headers) -> Refusal:
        return Refusal(status, b"content-length: 0\r\n\r\n")

    def client_left(self, *, cut: bool) -> None:
        self.left.append(cut)

    def client_full(self) -> None: ...

    def client_ready(self) -> None: ...


class Port:
    def __init__(self, most: int) -> None:
        self.application = Application()
        self.turned_away: list[None] = []
        self.watch = Watch(asyncio.get_running_loop())
        bounds = Bounds(4096, 10_000, 10.0, 30.0, 75.0)
        self.listener = Listener(
            self.application, bounds, self.watch, most, lambda: self.turned_away.append(None)
        )
        self.bound = socket.create_server(("127.0.0.1", 0))
        self.address = self.bound.getsockname()[:2]

    async def client(self, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(sent)
        return reader, writer


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    made = Port(most=3)
    await made.listener.start(made.bound)
    yield made
    made.listener.stop_accepting()
    await made.listener.drain(0.0)
    made.watch.stop()


async def test_one_connection_too_many_is_closed_and_counted(port: Port) -> None:
    clients = [await port.client() for _ in range(3)]
    await until(lambda: len(port.listener) == 3)
    reader, writer = await port.client()
    assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
    writer.close()
    assert len(port.turned_away) == 1
    clients[0][1].close()
    await until(lambda: len(port.listener) == 2)
    again = await port.client(ASKED)
    await until(lambda: len(port.application.open) == 1)
    for _, open_writer in (*clients[1:], again):
        open_writer.transport.abort()
    await until(lambda: len(port.listener) == 0)
    assert len(port.watch) == 0


async def test_draining_lets_answers_end_and_closes_what_is_idle(port: Port) -> None:
    reader, writer = await port.client(ASKED)
    idle_reader, idle_writer = await port.client()
    await until(lambda: len(port.application.open) == 1 and len(port.listener) == 2)
    port.listener.stop_accepting()
    draining = asyncio.create_task(port.listener.drain(PATIENCE_S))
    assert await asyncio.wait_for(idle_reader.read(), PATIENCE_S) == b""
    assert not draining.done()
    port.application.open[0].respond(200, b"", b"whole")
    answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
    assert b"connection: close\r\n" in answer
    assert answer.endswith(b"whole")
    assert await asyncio.wait_for(draining, PATIENCE_S) == 0
    writer.close()
    idle_writer.close()
    with pytest.raises(OSError, match=r".+"):
        await port.client()


async def test_a_kept_connection_s_next_answer_is_its_last(port: Port) -> None:
    reader, writer = await port.client(ASKED)
    await until(lambda: len(port.application.open) == 1)
    port.application.open[0].begin(200, b"", 2, (b"a",))
    port.listener.last_answers()
    port.application.open[0].end((b"b",))
    writer.write(ASKED)
    await until(lambda: len(port.application.open) == 2)
    port.application.open[1].respond(200, b"", b"last")
    assert (await asyncio.wait_for(reader.read(), PATIENCE_S)).endswith(b"connection: close\r\n\r\nlast")
    writer.close()


async def test_what_does_not_end_in_time_is_cut_off_and_told_so(port: Port) -> None:
    reader, writer = await port.client(ASKED)
    await until(lambda: len(port.application.open) == 1)
    port.listener.stop_accepting()
    assert await port.listener.drain(0.0) == 1
    await until(lambda: bool(port.application.left))
    assert port.application.left == [True]
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), PATIENCE_S)
    writer.close()


@pytest.mark.parametrize("within_s", [0.0, 0.5])
async def test_a_connection_that_is_not_quite_open_does_not_hinder_the_end(
    port: Port, within_s: float
) -> None:
    """Loops make the protocol a turn before they tell it of its connection."""
    port.listener._connection()
    try:
        assert await port.listener.drain(within_s) <= 1
    finally:
        port.listener._connections.clear()
