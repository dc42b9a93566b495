"""Thousands of connections that say little or nothing, and one client among them that is served as ever."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psutil

from serving.router.app import Router
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.asked import MIRRORED
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import table, target
from tests.serving.router.wire import Wire, connected, posted, request

IDLE = 1_500
SLOW = 300
BYTES_EACH = 60_000
"""Of both ends of a connection, the test's client included."""


def idle_count() -> int:
    """As many as fit below this process's limit of open files, two a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * (IDLE + SLOW) + 500
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(IDLE, (soft - 500) // 2 - SLOW)


@asynccontextmanager
async def crowd(router: Router, count: int, say: bytes) -> AsyncIterator[list[Wire]]:
    async with AsyncExitStack() as stack:
        wires = []
        for _ in range(count):
            wire = await stack.enter_async_context(connected(router))
            wire.write(say)
            wires.append(wire)
        yield wires


async def is_served(router: Router) -> None:
    async with posted(router, MIRRORED["chat"]) as wire:
        assert (await wire.reply()).status == 200


async def test_a_crowd_that_says_little_keeps_nobody_out_and_is_sent_away(
    start: StartRouter, stable: FakeEngine
) -> None:
    router = await start(table(target(stable)), head_timeout_s=3.0, body_timeout_s=3.0, idle_timeout_s=3.0)
    count = idle_count()
    process = psutil.Process(os.getpid())
    before = process.memory_info().rss
    head = request(b"x" * 100)[:60]
    half = request(b"x" * 100)[:-50]
    async with (
        crowd(router, count, b"") as idle,
        crowd(router, SLOW // 2, head) as heads,
        crowd(router, SLOW // 2, half) as bodies,
    ):
        for _ in range(5):
            await is_served(router)
        grown = process.memory_info().rss - before
        assert grown < BYTES_EACH * (count + SLOW)
        said = await asyncio.gather(*(wire.rest() for wire in (*heads, *bodies)))
        assert all(b" 408 " in reply.split(b"\r\n", 1)[0] for reply in said)
        silent = await asyncio.gather(*(wire.rest() for wire in idle))
        assert {reply.split(b"\r\n", 1)[0] for reply in silent} <= {b"", b"HTTP/1.1 408 Request Timeout"}
    await is_served(router)
    assert {seen.path for seen in stable.seen} == {MIRRORED["chat"].path}


async def test_beyond_the_limit_of_connections_new_ones_are_closed_at_once(
    start: StartRouter, stable: FakeEngine
) -> None:
    router = await start(table(target(stable)), max_connections=20)
    async with crowd(router, 20, b""), connected(router) as extra:
        extra.write(b"GET /healthz HTTP/1.1\r\nhost: router\r\n\r\n")
        first = await extra.rest()
        assert first.split(b"\r\n", 1)[0] in (b"", b"HTTP/1.1 503 Service Unavailable")
    async with asyncio.timeout(30):
        while True:
            async with connected(router) as wire:
                wire.write(b"GET /healthz HTTP/1.1\r\nhost: router\r\n\r\n")
                try:
                    assert (await wire.reply()).status in (200, 503)
                except (asyncio.IncompleteReadError, ConnectionResetError):
                    await asyncio.sleep(0.05)
                else:
                    break
    await is_served(router)


async def test_clients_that_leave_in_every_phase_leave_nothing_behind(
    start: StartRouter, stable: FakeEngine
) -> None:
    router = await start(table(target(stable)), head_timeout_s=30.0, body_timeout_s=30.0)
    await is_served(router)
    whole = request(MIRRORED["chat stream"].raw())
    before = len(asyncio.all_tasks())
    stable.fault = Fault.STALL
    for at in range(1, len(whole) + 1, 9):
        async with connected(router) as wire:
            wire.write(whole[:at])
            await wire.writer.drain()
    for _ in range(20):
        async with posted(router, MIRRORED["chat stream"]) as wire:
            await wire.reader.readuntil(b"\r\n")
    stable.fault = Fault.NONE
    process = psutil.Process(os.getpid())
    async with asyncio.timeout(60):
        while len(asyncio.all_tasks()) > before + 2 or len(connections(process, router)) > 4:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await is_served(router)


def connections(process: psutil.Process, router: Router) -> list[object]:
    """The established ones at the data port."""
    port = int(router.url.rsplit(":", 1)[1])
    found = process.net_connections(kind="tcp")
    return [each for each in found if each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED]
