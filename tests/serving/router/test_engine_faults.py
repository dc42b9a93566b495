"""What a client sees, and what is recorded, when the live engine misbehaves."""

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import ClientSession

from aftertune.values.exchange import ExchangeError
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import DEPLOYMENT, body, client, post, records, table, target

CASES = [
    (Fault.HANG, False, 504, ExchangeError.TIMEOUT, 0),
    (Fault.HANG, True, 504, ExchangeError.TIMEOUT, 0),
    (Fault.STALL, False, 504, ExchangeError.TIMEOUT, 200),
    (Fault.CLOSE_EARLY, False, 503, ExchangeError.UNREACHABLE, 0),
    (Fault.NOT_HTTP, False, 502, ExchangeError.ENGINE_ERROR, 0),
    (Fault.DIE, False, 502, ExchangeError.TRUNCATED, 200),
]


@pytest.mark.parametrize(("fault", "stream", "status", "error", "seen"), CASES)
async def test_no_answer(
    start: StartRouter,
    stable: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    fault: Fault,
    stream: bool,
    status: int,
    error: ExchangeError,
    seen: int,
) -> None:
    short = {Fault.HANG: {"first_byte_timeout_s": 0.3}, Fault.STALL: {"chunk_timeout_s": 0.3}}
    router = await start(table(target(stable)), **short.get(fault, {}))
    stable.fault = fault
    answered, headers, raw = await post(session, router, body(stream=stream))
    assert (answered, json.loads(raw)["error"]["code"]) == (status, error.value)
    assert json.loads(raw)["error"]["type"] == "api_error"
    assert (headers["x-aftertune-release"], headers["x-aftertune-generation"]) == ("r-v1", "3")
    assert ("retry-after" in headers) == (status == 503)
    ((header, _),) = records(tmp_path)
    assert (header.error, header.status) == (error, seen)


async def test_engine_down_and_up_again(
    start: StartRouter, stable: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    router = await start(table(target(stable)))
    await post(session, router)
    await stable.stop()
    status, headers, raw = await post(session, router)
    assert (status, json.loads(raw)["error"]["code"], headers["retry-after"]) == (
        503,
        "engine_unreachable",
        "1",
    )
    await stable.start()
    assert (await post(session, router))[0] == 200
    assert [h.error for h, _ in records(tmp_path)] == [None, ExchangeError.UNREACHABLE, None]


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.DIE, ExchangeError.TRUNCATED), (Fault.STALL, ExchangeError.TIMEOUT)]
)
async def test_an_engine_that_dies_in_mid_stream_ends_in_an_error_event(
    start: StartRouter, stable: FakeEngine, tmp_path: Path, fault: Fault, error: ExchangeError
) -> None:
    router = await start(table(target(stable)), chunk_timeout_s=1.5 if fault is Fault.STALL else 30.0)
    stable.fault = fault
    said = []
    messages: Any = [{"role": "user", "content": "hello"}]
    async with client(router) as ai:
        stream = await ai.chat.completions.create(model=DEPLOYMENT, messages=messages, stream=True)

        async def listen() -> None:
            async for chunk in stream:
                said.append(chunk.choices[0].delta.content)

        with pytest.raises(openai.APIError) as raised:
            await listen()
    assert raised.value.code == error.value
    assert said[:2] == ["", "TaskMaster "]
    ((header, record),) = records(tmp_path)
    assert (header.error, header.status) == (error, 200)
    assert b"TaskMaster" in record.answer


async def test_garbage_with_a_good_status_passes_untouched(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable)))
    stable.fault = Fault.GARBAGE
    assert (await post(session, router))[2] == b'\x00\xff{{"model" not json'


async def test_slow_bytes_arrive_as_they_come(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable)))
    stable.fault = Fault.STALL
    headers = {"authorization": "Bearer at_chat"}
    url = f"{router.url}/v1/chat/completions"
    async with session.post(url, json=body(stream=True), headers=headers) as answer:
        event = await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 30)
    assert json.loads(event.removeprefix(b"data: "))["model"] == "v1"
