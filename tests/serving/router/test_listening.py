"""The data port's socket: who may share it, and that nobody who connected is sent away when it closes."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from aftertune.errors import BadInput
from serving.router import listening
from serving.router.listening import BACKLOG, data_socket, finish_accepting, waiting

LOCAL = "127.0.0.1"


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


@asynccontextmanager
async def serving(listener: socket.socket) -> AsyncIterator[asyncio.Server]:
    server = await asyncio.get_running_loop().create_server(Echo, sock=listener, backlog=BACKLOG)
    yield server
    server.close()


async def echoed(port: int) -> bool:
    """Over a new connection."""
    reader, writer = await asyncio.open_connection(LOCAL, port)
    try:
        writer.write(b"x")
        return await reader.read(1) == b"x"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def test_a_port_is_shared_only_by_those_who_all_share() -> None:
    with data_socket(LOCAL, 0, shared=True) as first:
        data_socket(LOCAL, port_of(first), shared=True).close()
        with pytest.raises(BadInput, match=r"is in use\. Stop the program .* AFTERTUNE_ROUTER__PORT"):
            data_socket(LOCAL, port_of(first), shared=False)
    with socket.create_server((LOCAL, 0)) as stranger, pytest.raises(BadInput, match="is in use"):
        data_socket(LOCAL, port_of(stranger), shared=True)


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(BadInput, match=host):
        data_socket(host, 0, shared=True)


@pytest.mark.parametrize(
    ("host", "reached"), [(LOCAL, {LOCAL}), ("::1", {"::1"}), ("::", {LOCAL, "::1"}), ("localhost", {LOCAL})]
)
def test_both_kinds_of_address(host: str, reached: set[str]) -> None:
    with data_socket(host, 0, shared=True) as listener:
        found = set()
        for address in (LOCAL, "::1"):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection((address, port_of(listener))).close()
                found.add(address)
    assert found == reached


def test_it_says_how_many_wait() -> None:
    with data_socket(LOCAL, 0, shared=True) as listener, contextlib.ExitStack() as clients:
        for count in range(3):
            assert waiting(listener) == count
            clients.enter_context(socket.create_connection((LOCAL, port_of(listener))))


async def test_nobody_is_reset_while_processes_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets leave the port one after the other, under new connections all the time."""
    monkeypatch.setattr(listening, "HANDSHAKES_S", 0.1)
    over, echoes = asyncio.Event(), list[bool]()
    first = data_socket(LOCAL, 0, shared=True)
    port = port_of(first)

    async def client() -> None:
        while not over.is_set():
            echoes.append(await echoed(port))

    async with contextlib.AsyncExitStack() as stack:
        listeners = [(first, await stack.enter_async_context(serving(first)))]
        clients = [asyncio.create_task(client()) for _ in range(4)]
        for _ in range(10):
            fresh = data_socket(LOCAL, port, shared=True)
            listeners.append((fresh, await stack.enter_async_context(serving(fresh))))
            listener, server = listeners.pop(0)
            await finish_accepting(listener)
            server.close()
        over.set()
        await asyncio.gather(*clients)
    assert echoes
    assert all(echoes)


async def test_who_waited_in_the_queue_is_served() -> None:
    listener = data_socket(LOCAL, 0, shared=True)
    asking = [asyncio.create_task(echoed(port_of(listener))) for _ in range(20)]
    async with asyncio.timeout(30):
        while waiting(listener) < len(asking):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    async with serving(listener) as server:
        await finish_accepting(listener)
        server.close()
        assert all(await asyncio.gather(*asking))


async def test_a_kernel_that_migrates_needs_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_migrates", lambda: True)
    with data_socket(LOCAL, 0, shared=True) as listener:
        await finish_accepting(listener)
        with socket.create_connection((LOCAL, port_of(listener)), timeout=30):
            assert waiting(listener) == 1
