"""The C engine: whole answers whatever the pieces of a request, streams, delays, counters."""

import json
import re
import socket
from contextlib import suppress

import httpx
import pytest

from benchmarks.router.engine import Engine
from benchmarks.router.process import free_port

BODY = b'{"model":"bench","messages":[]}'
PLAIN = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
CHUNKED = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'5;name=value\r\n{"mod\r\n1A\r\nel":"bench","messages":[]}\r\n0\r\ntrailer: yes\r\n\r\n'
)
LENGTH = re.compile(rb"content-length: (\d+)")
STAMP = re.compile(r"t=(\d{20});")


def ask(engine: Engine, pieces: list[bytes], answers: int) -> list[dict[str, object]]:
    """The JSON bodies of so many answers on one connection."""
    bodies: list[dict[str, object]] = []
    with socket.create_connection(("127.0.0.1", engine.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        held = b""
        while len(bodies) < answers:
            more = connection.recv(65536)
            assert more, "closed too early"
            held += more
            while b"\r\n\r\n" in held:
                head, _, rest = held.partition(b"\r\n\r\n")
                length = int(LENGTH.findall(head)[0])
                if len(rest) < length:
                    break
                bodies.append(json.loads(rest[:length]))
                held = rest[length:]
    assert held == b""
    return bodies


@pytest.mark.parametrize("request_bytes", [PLAIN, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_request_may_come_in_pieces(engine: Engine, request_bytes: bytes, size: int) -> None:
    pieces = [request_bytes[at : at + size] for at in range(0, len(request_bytes), size)]
    assert ask(engine, pieces, 1)[0]["object"] == "chat.completion"
    assert engine.counted().requests == 1


@pytest.mark.parametrize("delay_us", [0, 30_000])
def test_pipelined_requests_are_all_answered(engine: Engine, delay_us: int) -> None:
    engine.tell(delay_us=delay_us)
    assert len(ask(engine, [PLAIN * 5], 5)) == 5
    counted = engine.settled(10)
    assert (counted.answered, counted.connections) == (5, 1)


def test_a_stream_has_its_chunks_each_with_a_later_time(engine: Engine) -> None:
    engine.tell(chunks=7, interval_us=2_000)
    answer = httpx.post(f"{engine.url}/v1/chat/completions", json={"stream": True})
    events = answer.text.split("\n\n")
    stamps = [int(stamp) for stamp in STAMP.findall(answer.text)]
    assert events[-2:] == ["data: [DONE]", ""]
    assert len(stamps) == 7
    assert stamps == sorted(set(stamps))
    assert all(json.loads(event.removeprefix("data: ")) for event in events[:7])
    assert stamps[-1] - stamps[0] >= 6 * 2_000_000


def test_a_delay_holds_the_answer_back(engine: Engine) -> None:
    engine.tell(delay_us=200_000)
    answer = httpx.post(f"{engine.url}/v1/chat/completions", json={})
    assert answer.elapsed.total_seconds() >= 0.2


def test_a_client_that_leaves_is_not_waited_for(engine: Engine) -> None:
    engine.tell(delay_us=60_000_000)
    with socket.create_connection(("127.0.0.1", engine.port)) as connection:
        connection.sendall(PLAIN)
        while engine.counted().pending == 0:
            pass
    counted = engine.settled(10)
    assert (counted.requests, counted.answered, counted.pending) == (1, 0, 0)


def test_what_is_no_http_ends_the_connection_only(engine: Engine) -> None:
    for garbage in (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", b"\0" * 9000):
        with socket.create_connection(("127.0.0.1", engine.port), timeout=10) as connection:
            connection.sendall(garbage)
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""
    assert len(ask(engine, [PLAIN], 1)) == 1


def test_it_comes_back_as_it_was_told_to_be(engine: Engine) -> None:
    engine.tell(chunks=3)
    engine.kill()
    with pytest.raises(httpx.TransportError):
        engine.counted()
    engine.start()
    answer = httpx.post(f"{engine.url}/v1/chat/completions", json={"stream": True})
    assert len(STAMP.findall(answer.text)) == 3


def test_a_free_port_is_free() -> None:
    with socket.create_server(("127.0.0.1", free_port())):
        pass
