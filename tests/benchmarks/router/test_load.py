"""The load generator: what it counts as an answer, and that it counts everything once."""

import pytest

from aftertune.errors import Unavailable
from benchmarks.router.engine import Engine
from benchmarks.router.load import Load
from benchmarks.router.process import free_port
from tests.benchmarks.router.scripted import scripted

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = {
    "length": [OK + b"content-length: 2\r\n\r\n{}"],
    "pieces": [bytes([byte]) for byte in OK + b"Content-Length: 2\r\n\r\n{}"],
    "chunked": [
        OK + b"transfer-encoding: chunked\r\n\r\n",
        b"1;x=y\r\n{\r\n",
        b"1\r\n}\r\n0\r\na: b\r\n",
        b"\r\n",
    ],
    "interim": [b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"content-length: 0\r\n\r\n"],
}
BROKEN = {
    "refused": [b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"],
    "cut off": [OK + b"content-length: 9\r\n\r\n{}"],
    "cut off in a chunk": [OK + b"transfer-encoding: chunked\r\n\r\n5\r\nab"],
    "no chunk": [OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n"],
    "no http": [b"SSH-2.0-OpenSSH\r\n\r\n"],
    "nothing": [b""],
    "too much": [OK + b"content-length: 1\r\n\r\n{}"],
}


@pytest.mark.parametrize("pieces", WHOLE.values(), ids=WHOLE)
def test_whole_answers_count(load: Load, pieces: list[bytes]) -> None:
    with scripted(pieces) as port:
        seen = load.closed(2, 0.2, [port])[0]
    assert seen.answered > 0
    assert (seen.errors, seen.answered) == (0, seen.sent)
    assert seen.latency.n == seen.answered


def test_an_answer_may_end_with_its_connection(load: Load) -> None:
    with scripted([b"HTTP/1.0 200 OK\r\n\r\n{}"], close=True) as port:
        seen = load.closed(2, 0.2, [port])[0]
    assert seen.answered > 0
    assert seen.errors == 0


@pytest.mark.parametrize("pieces", BROKEN.values(), ids=BROKEN)
def test_broken_answers_are_errors(load: Load, pieces: list[bytes]) -> None:
    with scripted(pieces, close=True) as port:
        seen = load.closed(2, 0.2, [port])[0]
    assert seen.errors > 0
    assert (seen.answered, seen.errors) == (0, seen.sent)


def test_nobody_there_is_an_error_for_each_request(load: Load) -> None:
    seen = load.paced(100, 0.2, [free_port()])[0]
    assert seen.errors == seen.sent > 0


def test_every_request_reaches_the_engine_once(load: Load, engine: Engine) -> None:
    engine.reset()
    closed = load.closed(8, 0.3, [engine.port])[0]
    paced = load.paced(200, 0.3, [engine.port, engine.port])
    assert closed.errors == 0
    assert engine.counted().answered == closed.answered + sum(seen.answered for seen in paced)
    assert [seen.sent for seen in paced] == [60, 60]


def test_waiting_counts_from_when_a_request_was_due(load: Load, engine: Engine) -> None:
    """A slow target does not slow an open loop down."""
    engine.tell(delay_us=300_000)
    seen = load.paced(100, 0.4, [engine.port])[0]
    assert seen.answered == seen.sent == 40
    assert seen.latency.p10 is not None
    assert seen.latency.p10 >= 300_000


def test_every_chunk_of_a_stream_is_seen(load: Load, engine: Engine) -> None:
    engine.tell(chunks=5, interval_us=5_000)
    engine.reset()
    seen = load.closed(4, 0.3, [engine.port], stream=True)[0]
    assert seen.errors == 0
    assert seen.chunk.n == 5 * seen.answered == engine.counted().chunks
    assert seen.first.n == seen.answered
    assert 0 < seen.pieces <= seen.chunk.n


def test_an_answer_without_chunks_is_no_stream(load: Load) -> None:
    with scripted(WHOLE["length"]) as port:
        seen = load.closed(1, 0.1, [port], stream=True)[0]
    assert seen.answered == 0
    assert seen.errors > 0


def test_wrong_arguments_are_said(load: Load) -> None:
    with pytest.raises(Unavailable, match="usage: load"):
        load.closed(1, 0.1, [])
