"""Streams pass piece by piece; a client that leaves frees the engine; every phase has its deadline."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession

from aftertune.values.exchange import ExchangeError
from aftertune.values.route import Target
from tests.fakes.engine import FakeEngine, Fault, Script
from tests.serving.router.asked import MIRRORED, Answered, ask
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CHAT_KEY, records, table, target, until_recorded
from tests.serving.router.wire import posted

STREAMED = [name for name in MIRRORED if name.endswith("stream")]
WHOLE = [name for name in MIRRORED if not name.endswith("stream")]
HEADERS = {"authorization": f"Bearer {CHAT_KEY}"}
CANCELLED_WITHIN_S = 0.1
TRIALS = 7
DEADLINE_S = 0.3
TOTAL_S = 1.5
"""The first pieces of a stream come in a fraction of this."""
HELD_BYTES = 40_000_000
"""What the buffers of four sockets may take up; without back-pressure it would be several times as much."""


@pytest.mark.parametrize("name", STREAMED)
async def test_each_event_reaches_the_client_before_the_next_is_made(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, name: str
) -> None:
    router = await start(table(target(stable), target(candidate)))
    asked = MIRRORED[name]
    stable.steps = asyncio.Semaphore(100)
    whole = (await ask(session, router, asked)).body
    stable.steps = asyncio.Semaphore(0)
    seen = b""
    stable.steps.release()  # The head travels with the first event.
    async with session.post(router.url + asked.path, data=asked.raw(), headers=HEADERS) as answer:
        async with asyncio.timeout(30):
            while not seen.endswith(b"\n\n"):
                seen += await answer.content.readany()
        for count in range(2, whole.count(b"\n\n") + 1):
            assert seen.count(b"\n\n") == count - 1, "the engine waits: nothing more can have come"
            stable.steps.release()
            async with asyncio.timeout(30):
                while seen.count(b"\n\n") < count:
                    seen += await answer.content.readany()
        assert await answer.content.readany() == b""
    assert seen == whole


async def test_half_an_event_waits_for_its_other_half(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    """Each write is of whole events: an engine that dies in the middle of one leaves no half of it with a client."""
    router = await start(table(target(stable)))
    stable.script = Script((b'data: {"id"', b': "1"}\n', b"\ndata: [DONE]\n\n"))
    stable.steps = asyncio.Semaphore(2)
    stream = MIRRORED["chat stream"]
    asking = asyncio.create_task(
        session.post(router.url + stream.path, data=stream.raw(), headers=HEADERS).__aenter__()
    )
    await asyncio.wait_for(stable.arrived.wait(), 30)
    await asyncio.sleep(0.2)
    assert not asking.done()
    stable.steps.release()
    async with await asyncio.wait_for(asking, 30) as answer:
        whole = b'data: {"id": "1"}\n\ndata: [DONE]\n\n'
        assert await asyncio.wait_for(answer.content.read(), 30) == whole


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.STALL])
@pytest.mark.parametrize("name", ["chat", "chat stream", "responses stream"])
async def test_a_client_that_leaves_frees_the_engine_within_100_ms(
    start: StartRouter, stable: FakeEngine, tmp_path: Path, fault: Fault, name: str
) -> None:
    """Before the head and in the middle of the body. The best of some trials: noise can only add."""
    router = await start(table(target(stable)))
    stable.fault = fault
    took = []
    for _ in range(TRIALS):
        stable.arrived.clear()
        stable.abandoned.clear()
        async with posted(router, MIRRORED[name]) as wire:
            await asyncio.wait_for(stable.arrived.wait(), 30)
            if fault is Fault.STALL and "stream" in name:
                await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), 30)
            left = time.perf_counter()
            wire.writer.transport.abort()
            await asyncio.wait_for(stable.abandoned.wait(), 30)
            took.append(time.perf_counter() - left)
    assert min(took) < CANCELLED_WITHIN_S
    await until_recorded(tmp_path, TRIALS)
    assert {header.error for header, _ in records(tmp_path)} == {ExchangeError.CLIENT_LEFT}


async def test_a_client_that_reads_nothing_holds_back_its_engine_and_nobody_else(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    """Back-pressure: what an endless answer makes the router keep is bounded by socket buffers."""
    router = await start(table(target(stable)), chunk_timeout_s=30.0)
    stable.fault = Fault.ENDLESS
    async with posted(router, MIRRORED["chat stream"], receive_buffer=4096) as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.wait_for(stable.arrived.wait(), 30)
        stable.fault = Fault.NONE
        for _ in range(100):
            assert (await ask(session, router, MIRRORED["chat"])).status == 200
        assert stable.sent_bytes < HELD_BYTES
    await asyncio.wait_for(stable.abandoned.wait(), 30)


@pytest.mark.parametrize("name", WHOLE + STREAMED)
async def test_first_byte(start: StartRouter, stable: FakeEngine, session: ClientSession, name: str) -> None:
    router = await start(table(target(stable)), first_byte_timeout_s=DEADLINE_S)
    stable.fault = Fault.HANG
    answer = await ask(session, router, MIRRORED[name])
    assert answer.status == 504
    expect_error(answer, ExchangeError.TIMEOUT)
    await asyncio.wait_for(stable.abandoned.wait(), 30)


@pytest.mark.parametrize("fault", ["refused", Fault.CLOSE_EARLY])
async def test_no_connection(
    start: StartRouter, stable: FakeEngine, session: ClientSession, fault: Fault | str
) -> None:
    router = await start(table(target(stable)))
    if fault == "refused":
        await stable.stop()
    else:
        stable.fault = Fault(fault)
    answer = await ask(session, router, MIRRORED["chat stream"])
    assert (answer.status, answer.header("retry-after")) == (503, "1")
    expect_error(answer, ExchangeError.UNREACHABLE)


async def test_connect(start: StartRouter, stable: FakeEngine, session: ClientSession, full: str) -> None:
    """A host that drops packets, as a full backlog does."""
    there = target(stable)
    away = Target(release=there.release, url=full, served_name=there.served_name)
    router = await start(table(away), connect_timeout_s=DEADLINE_S, first_byte_timeout_s=90.0)
    began = time.monotonic()
    answer = await ask(session, router, MIRRORED["chat"])
    assert answer.status == 503
    assert time.monotonic() - began < 60
    expect_error(answer, ExchangeError.UNREACHABLE)


@pytest.fixture
def full() -> Iterator[str]:
    """The URL of a listener whose backlog is full, so that further connections get no answer."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("name", STREAMED)
@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.STALL, ExchangeError.TIMEOUT), (Fault.DIE, ExchangeError.TRUNCATED)]
)
async def test_a_stream_that_fails_ends_in_an_error_event(
    start: StartRouter,
    stable: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    name: str,
    fault: Fault,
    error: ExchangeError,
) -> None:
    """Between two chunks, or cut off: what came is kept, then an event in OpenAI's shape, and a proper end."""
    router = await start(table(target(stable)), chunk_timeout_s=DEADLINE_S if fault is Fault.STALL else 30.0)
    stable.fault = fault
    answer = await ask(session, router, MIRRORED[name])
    assert answer.status == 200
    came, _, last = answer.body.rpartition(b"data: ")
    assert came.startswith((b"data: ", b"event: "))
    assert last.endswith(b"\n\n")
    said = json.loads(last)["error"]
    assert set(said) == {"message", "type", "param", "code"}
    assert said["code"] == error.value
    await until_recorded(tmp_path, 1)
    assert records(tmp_path)[0][0].error is error


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("fault", [Fault.STALL, Fault.DIE])
async def test_a_whole_answer_that_fails_never_looks_complete(
    start: StartRouter, stable: FakeEngine, session: ClientSession, fault: Fault, name: str
) -> None:
    """Its head has left: the connection is cut short of the announced length."""
    router = await start(table(target(stable)), chunk_timeout_s=DEADLINE_S)
    stable.fault = fault
    async with posted(router, MIRRORED[name]) as wire:
        raw = await wire.rest()
    head, _, body = raw.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 200"):
        announced = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        assert len(body) < int(announced.split(b":")[1])
    else:
        assert set(json.loads(body)) == {"error"}


async def test_total(start: StartRouter, stable: FakeEngine, session: ClientSession, tmp_path: Path) -> None:
    """An engine that always says one more thing in time."""
    router = await start(table(target(stable)), total_timeout_s=TOTAL_S, chunk_timeout_s=30.0)
    stable.script = Script(tuple(b'data: {"id": "1"}\n\n' for _ in range(2000)))
    stable.pause_s = 200.0
    answer = await ask(session, router, MIRRORED["chat stream"])
    pieces = answer.body.split(b"\n\n")
    assert pieces[-1] == b""
    assert json.loads(pieces[-2].removeprefix(b"data: "))["error"]["code"] == ExchangeError.TIMEOUT.value
    assert set(pieces[:-2]) == {b'data: {"id": "1"}'}
    await asyncio.wait_for(stable.abandoned.wait(), 30)
    await until_recorded(tmp_path, 1)
    ((header, _),) = records(tmp_path)
    assert header.error is ExchangeError.TIMEOUT


@pytest.mark.parametrize(
    "fault", [Fault.NOT_HTTP, Fault.BAD_CHUNK, Fault.TWO_LENGTHS, Fault.HUGE_HEAD, Fault.LONG_LENGTH]
)
async def test_an_engine_that_breaks_http_breaks_its_own_answer_only(
    start: StartRouter, stable: FakeEngine, session: ClientSession, fault: Fault
) -> None:
    router = await start(table(target(stable)))
    stable.fault = fault
    async with posted(router, MIRRORED["chat"]) as wire:
        raw = await wire.rest()
    head, _, body = raw.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    assert status in (200, 502, 503)
    if status != 200:
        assert set(json.loads(body)) == {"error"}
    stable.fault = Fault.NONE
    for _ in range(3):
        assert (await ask(session, router, MIRRORED["chat"])).status == 200


async def test_what_follows_an_answer_is_nobody_else_s(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    """Bytes after the announced length must not become the next client's answer."""
    router = await start(table(target(stable)))
    stable.fault = Fault.SHORT_LENGTH
    assert (await ask(session, router, MIRRORED["chat"])).body == b"{}"
    stable.fault = Fault.NONE
    assert b"TaskMaster" in (await ask(session, router, MIRRORED["completions"])).body


def expect_error(answer: Answered, error: ExchangeError) -> None:
    said = answer.error
    assert (said["code"], said["type"]) == (error.value, "api_error")
    assert answer.header("content-type") == "application/json"
    assert answer.header("x-request-id")
    assert answer.header("x-aftertune-release") == "r-v1"
