"""The record is there before the client can know that the answer ended."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import ClientSession

from aftertune.values.exchange import ExchangeError
from serving.wire.server import Connection
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import body, post, records, table, target

Written = list[tuple[bytes, list[ExchangeError | None]]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Written:
    """Every part of an answer, and how the legs that were spooled before it ended."""
    seen: Written = []
    begin, send, end = Connection.begin, Connection.send, Connection.end

    def note(pieces: Sequence[bytes]) -> None:
        seen.append((b"".join(pieces), [header.error for header, _ in records(tmp_path)]))

    def begun(
        self: Connection, status: int, headers: bytes, length: int | None, first: Sequence[bytes] = ()
    ) -> None:
        note(first)
        begin(self, status, headers, length, first)

    def sent(self: Connection, pieces: Sequence[bytes]) -> None:
        note(pieces)
        send(self, pieces)

    def ended(self: Connection, last: Sequence[bytes] = ()) -> None:
        note(last)
        end(self, last)

    monkeypatch.setattr(Connection, "begin", begun)
    monkeypatch.setattr(Connection, "send", sent)
    monkeypatch.setattr(Connection, "end", ended)
    return seen


async def test_before_the_last_event(
    start: StartRouter, stable: FakeEngine, session: ClientSession, written: Written
) -> None:
    router = await start(table(target(stable)))
    stable.pause_s = 0.2
    await post(session, router, body(stream=True))
    assert [errors for data, errors in written if b"[DONE]" in data] == [[None]]
    assert [] in [errors for _, errors in written], "the record cannot come before the answer"


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.NONE, None), (Fault.SERVER_ERROR, ExchangeError.ENGINE_ERROR)]
)
async def test_before_a_whole_body(
    start: StartRouter,
    stable: FakeEngine,
    session: ClientSession,
    written: Written,
    fault: Fault,
    error: ExchangeError | None,
) -> None:
    router = await start(table(target(stable)))
    stable.fault = fault
    await post(session, router)
    assert [errors for data, errors in written if data] == [[error]]
