"""The record is there before the client can know that the answer ended."""

from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from aftertune.values.exchange import ExchangeError
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import body, post, records, table, target


async def test_before_the_last_event(
    start: StartRouter,
    stable: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    router = await start(table(target(stable)))
    stable.pause_s = 0.2
    written: list[tuple[bytes, int]] = []
    write = web.StreamResponse.write

    async def spy(response: web.StreamResponse, data: bytes) -> None:
        if "x-aftertune-release" in response.headers:
            written.append((data, len(records(tmp_path))))
        await write(response, data)

    monkeypatch.setattr(web.StreamResponse, "write", spy)
    await post(session, router, body(stream=True))
    assert [count for data, count in written if b"[DONE]" in data] == [1]
    assert 0 in {count for data, count in written}, "the record cannot come before the answer"


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.NONE, None), (Fault.SERVER_ERROR, ExchangeError.ENGINE_ERROR)]
)
async def test_before_a_whole_body(
    start: StartRouter,
    stable: FakeEngine,
    session: ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    error: ExchangeError | None,
) -> None:
    router = await start(table(target(stable)))
    stable.fault = fault
    sent: list[list[ExchangeError | None]] = []
    prepare = web.Response.prepare

    async def spy(response: web.Response, request: BaseRequest) -> AbstractStreamWriter | None:
        if "x-aftertune-release" in response.headers:
            sent.append([header.error for header, _ in records(tmp_path)])
        return await prepare(response, request)

    monkeypatch.setattr(web.Response, "prepare", spy)
    await post(session, router)
    assert sent == [[error]]
