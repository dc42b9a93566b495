"""Several engines of one release: another one is asked only while the first has sent no byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession

from aftertune.values.exchange import ExchangeError
from aftertune.values.route import Target
from serving.router.app import Router
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.asked import EVERY, MIRRORED, ask
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import records, table, target, until_recorded

DEADLINE_S = 0.3
ASKED_OFTEN = 12


@pytest.fixture
async def engines() -> AsyncIterator[list[FakeEngine]]:
    """Three engines of one release."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(FakeEngine("v1")) for _ in range(3)]


@pytest.fixture
async def router(start: StartRouter, engines: list[FakeEngine]) -> Router:
    return await start(table(replicated(engines)))


def replicated(engines: list[FakeEngine]) -> Target:
    first = target(engines[0])
    return first.model_copy(update={"replicas": tuple(engine.url for engine in engines[1:])})


async def asks(session: ClientSession, router: Router, name: str) -> list[int]:
    return [(await ask(session, router, MIRRORED[name])).status for _ in range(ASKED_OFTEN)]


async def test_requests_are_spread(router: Router, session: ClientSession, engines: list[FakeEngine]) -> None:
    statuses = await asyncio.gather(*(ask(session, router, MIRRORED["chat"]) for _ in range(60)))
    assert {answer.status for answer in statuses} == {200}
    assert all(engine.seen for engine in engines)


@pytest.mark.parametrize("fault", ["refused", Fault.CLOSE_EARLY])
@pytest.mark.parametrize("name", ["chat", "chat stream", "responses stream", "completions"])
async def test_an_engine_without_a_word_is_replaced_unseen(
    router: Router, session: ClientSession, engines: list[FakeEngine], tmp_path: Path, fault: str, name: str
) -> None:
    for engine in engines[:2]:
        if fault == "refused":
            await engine.stop()
        else:
            engine.fault = Fault(fault)
    assert set(await asks(session, router, name)) == {200}
    assert len(engines[2].seen) == ASKED_OFTEN
    await until_recorded(tmp_path, ASKED_OFTEN)
    assert [header.error for header, _ in records(tmp_path)] == [None] * ASKED_OFTEN, "one record a request"


async def test_a_connection_that_died_while_idle_costs_nobody_an_answer(
    router: Router, session: ClientSession, engines: list[FakeEngine]
) -> None:
    for _ in range(3):
        await asyncio.gather(*(ask(session, router, MIRRORED["chat"]) for _ in range(12)))
        for engine in engines:
            await engine.stop()
            await engine.start()
    assert set(await asks(session, router, "chat")) == {200}


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.STALL, Fault.DIE])
async def test_after_a_timeout_or_a_byte_nobody_else_is_asked(
    start: StartRouter, session: ClientSession, engines: list[FakeEngine], fault: Fault
) -> None:
    """The engine may be at work on it: asking twice would do it twice."""
    short = {Fault.HANG: {"first_byte_timeout_s": DEADLINE_S}, Fault.STALL: {"chunk_timeout_s": DEADLINE_S}}
    router = await start(table(replicated(engines)), **short.get(fault, {}))
    for engine in engines:
        engine.fault = fault
    answer = await ask(session, router, MIRRORED["chat stream"])
    assert answer.status == (504 if fault is Fault.HANG else 200)
    assert sum(len(engine.seen) for engine in engines) == 1


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.BAD_REQUEST])
async def test_an_error_is_an_answer(
    router: Router, session: ClientSession, engines: list[FakeEngine], fault: Fault
) -> None:
    for engine in engines:
        engine.fault = fault
    answer = await ask(session, router, MIRRORED["chat"])
    assert answer.status == (500 if fault is Fault.SERVER_ERROR else 400)
    assert sum(len(engine.seen) for engine in engines) == 1


async def test_with_every_engine_down_the_client_is_told_once(
    router: Router, session: ClientSession, engines: list[FakeEngine], tmp_path: Path
) -> None:
    for engine in engines:
        await engine.stop()
    for asked in EVERY.values():
        answer = await ask(session, router, asked)
        assert (answer.status, answer.error["code"]) == (503, ExchangeError.UNREACHABLE.value)
        assert answer.header("retry-after")
    await until_recorded(tmp_path, len(EVERY))
    assert len(records(tmp_path)) == len(EVERY)
    await engines[1].start()
    async with asyncio.timeout(60):
        while (await ask(session, router, MIRRORED["chat"])).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_one_engine_of_three_down_is_asked_no_more_and_comes_back(
    start: StartRouter, session: ClientSession, engines: list[FakeEngine]
) -> None:
    router = await start(table(replicated(engines)), probe_interval_s=0.1)
    await engines[0].stop()
    assert set(await asks(session, router, "chat")) == {200}
    await engines[0].start()
    engines[0].seen.clear()
    async with asyncio.timeout(60):
        while not engines[0].seen:
            assert (await ask(session, router, MIRRORED["chat"])).status == 200
            await asyncio.sleep(0.01)
