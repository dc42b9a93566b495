"""The HTTP interface around a model that answers at once, or not at all."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from serving.encoder.app import MOST_BODY_BYTES, MOST_WAITING, EncoderApp, Vectors
from serving.encoder.request import MOST_CHARACTERS, MOST_TEXTS


def ones(texts: Sequence[str]) -> Vectors:
    return Vectors(np.eye(4, dtype=np.float32)[[len(text) % 4 for text in texts]], 7)


def client(encode: Any = ones) -> TestClient:
    app = EncoderApp(encode, "mini", "d" * 64, 4)
    return TestClient(app.app(), raise_server_exceptions=False)


def body(**changes: Any) -> dict[str, Any]:
    return {"model": "mini", "input": "a"} | changes


@pytest.mark.parametrize(
    ("sent", "status", "param"),
    [
        (body(model="other"), 404, "model"),
        (body(model=None), 400, "model"),
        (body(input=[]), 400, "input"),
        (body(input=["a", " "]), 400, "input"),
        (body(input=[1, 2]), 400, "input"),
        (body(input=["a"] * (MOST_TEXTS + 1)), 400, "input"),
        (body(input="a" * (MOST_CHARACTERS + 1)), 400, "input"),
        (body(encoding_format="hex"), 400, "encoding_format"),
        (body(dimensions=2), 400, "dimensions"),
        ([], 400, None),
    ],
)
def test_what_cannot_be_embedded_is_refused_as_openai_does(
    sent: object, status: int, param: str | None
) -> None:
    answer = client().post("/v1/embeddings", json=sent)

    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param)
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert error["code"]


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/v1/embeddings", b"{", 400),
        ("POST", "/v1/embeddings", b"x" * (MOST_BODY_BYTES + 1), 413),
        ("GET", "/v1/embeddings", b"", 405),
        ("POST", "/v1/chat/completions", b"{}", 404),
    ],
)
def test_bytes_and_paths_that_are_not_the_api(method: str, path: str, content: bytes, status: int) -> None:
    answer = client().request(method, path, content=content)
    assert (answer.status_code, set(answer.json())) == (status, {"error"})


def test_the_limits_themselves_are_taken() -> None:
    texts = ["a" * MOST_CHARACTERS, *["b"] * (MOST_TEXTS - 1)]
    assert len(client().post("/v1/embeddings", json=body(input=texts)).json()["data"]) == MOST_TEXTS


def test_a_model_that_fails_is_an_error_answer_and_the_next_request_works() -> None:
    outcomes = iter([RuntimeError("out of memory"), None])

    def encode(texts: Sequence[str]) -> Vectors:
        if (fault := next(outcomes)) is not None:
            raise fault
        return ones(texts)

    with client(encode) as asked:
        failed = asked.post("/v1/embeddings", json=body())
        assert (failed.status_code, failed.json()["error"]["type"]) == (500, "api_error")
        assert "memory" not in failed.text
        assert asked.post("/v1/embeddings", json=body()).status_code == 200
        assert 'outcome="failed"} 1.0' in asked.get("/metrics").text


def test_a_crowd_is_told_to_come_again() -> None:
    working, go_on = threading.Event(), threading.Event()

    def encode(texts: Sequence[str]) -> Vectors:
        working.set()
        assert go_on.wait(30)
        return ones(texts)

    with client(encode) as asked, ThreadPoolExecutor(MOST_WAITING + 1) as crowd:

        def ask() -> int:
            answer = asked.post("/v1/embeddings", json=body())
            if answer.status_code == 429:
                assert answer.headers["retry-after"] == "1"
                go_on.set()
            return answer.status_code

        statuses = [each.result(30) for each in [crowd.submit(ask) for _ in range(MOST_WAITING + 1)]]
        assert working.is_set()
        assert sorted(statuses) == [200] * MOST_WAITING + [429]
