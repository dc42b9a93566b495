"""The client against a server that misbehaves in every way that was thought of."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from aftertune.errors import Unavailable
from monitor.drift.encoder import OpenAIEncoder


class Server(ThreadingHTTPServer):
    """Answers with what it was given."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body = b""
        self.hold = threading.Event()
        self.hold.set()

    def says(self, body: Any, status: int = 200) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def do_GET(self) -> None:
        self.server.hold.wait(60)
        self.send_response(self.server.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.hold.set()
        made.shutdown()
        thread.join()


@pytest.fixture
def encoder(server: Server) -> Iterator[OpenAIEncoder]:
    made = encoder_at(server, 30.0)
    yield made
    made.close()


def encoder_at(server: Server, timeout_s: float) -> OpenAIEncoder:
    return OpenAIEncoder(f"http://127.0.0.1:{server.server_port}", "mini", timeout_s=timeout_s, batch=2)


def answer(*vectors: object) -> dict[str, Any]:
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    return {"object": "list", "model": "mini", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def test_vectors_have_length_one_and_the_order_of_the_texts(server: Server, encoder: OpenAIEncoder) -> None:
    said = answer([3.0, 4.0], [0.0, 2.0])
    said["data"].reverse()
    server.says(said)
    assert encoder.embed(["a", "b", "c", "d"]).tolist() == pytest.approx(
        [pytest.approx(row) for row in [[0.6, 0.8], [0.0, 1.0]] * 2]
    )


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<html>busy</html>",
        b"{",
        [],
        {},
        {"data": None},
        {"data": [{"index": 0}, {"index": 1}]},
        answer([1.0, 2.0]),
        answer([1.0], [1.0], [1.0]),
        answer([1.0, 2.0], [1.0]),
        answer([0.0, 0.0], [1.0, 2.0]),
        answer([float("nan"), 1.0], [1.0, 2.0]),
        answer([float("inf"), 1.0], [1.0, 2.0]),
        answer(["a", "b"], ["c", "d"]),
        answer("not base64!", "%%%%"),
        answer([], []),
        answer(1.0, 2.0),
    ],
)
def test_garbage_is_no_embedding(server: Server, encoder: OpenAIEncoder, said: object) -> None:
    server.says(said)
    with pytest.raises(Unavailable, match="The encoder at http"):
        encoder.embed(["a", "b"])


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_an_error_answer_names_its_status(server: Server, encoder: OpenAIEncoder, status: int) -> None:
    server.says({"error": {"message": "no"}}, status)
    with pytest.raises(Unavailable, match=rf"gave no answer: status {status}\."):
        encoder.embed(["a"])


def test_a_slow_encoder_is_not_waited_for(server: Server) -> None:
    server.hold.clear()
    with closing(encoder_at(server, 0.3)) as hasty, pytest.raises(Unavailable, match="timed out"):
        hasty.embed(["a"])


def test_nobody_there(server: Server) -> None:
    encoder = OpenAIEncoder("http://127.0.0.1:1", "mini", timeout_s=0.5, batch=2)
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:1 gave no answer"):
        encoder.identity()
    encoder.close()


@pytest.mark.parametrize(
    ("said", "status", "identity"),
    [
        ({"object": "list", "data": [{"id": "other"}, {"id": "mini", "digest": "abc"}]}, 200, "mini@abc"),
        ({"object": "list", "data": [{"id": "mini"}]}, 200, "mini"),
        ({"object": "list", "data": [{"id": "mini", "digest": 3}]}, 200, "mini"),
        ({"object": "list", "data": []}, 200, "mini"),
        ({"error": {"message": "no"}}, 404, "mini"),
    ],
)
def test_what_made_the_vectors(
    server: Server, encoder: OpenAIEncoder, said: object, status: int, identity: str
) -> None:
    server.says(said, status)
    assert encoder.identity() == identity


@pytest.mark.parametrize("said", [b"[", [], {"data": 3}, {"data": [3]}])
def test_no_list_of_models(server: Server, encoder: OpenAIEncoder, said: object) -> None:
    server.says(said)
    with pytest.raises(Unavailable):
        encoder.identity()
