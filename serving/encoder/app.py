"""The encoder's HTTP interface, in the shapes of the OpenAI API. No credential is asked for: it is bound to the host."""

import asyncio
import base64
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftertune import telemetry
from serving.encoder.request import EmbeddingRequest, Refused, read_request

MOST_BODY_BYTES = 8_000_000
MOST_WAITING = 16
"""Requests that may wait for the one model thread; more are told to come again."""

log = logging.getLogger(__name__)


class Vectors(NamedTuple):
    """One row of float32 a text, each of length 1, and the number of tokens read."""

    values: NDArray[np.float32]
    tokens: int


Encode = Callable[[Sequence[str]], Vectors]


class EncoderApp:
    """`encode` is only ever called from one thread, one request at a time."""

    def __init__(self, encode: Encode, model: str, digest: str, dimensions: int) -> None:
        self._encode = encode
        self._model = model
        self._digest = digest
        self._dimensions = dimensions
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._waiting = 0
        self.registry = CollectorRegistry()
        self._texts = Counter(
            telemetry.EMBEDDINGS, "Texts by outcome of their request", ["outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            telemetry.EMBEDDING_SECONDS,
            "A request's time in the model",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self.registry,
        )

    def app(self) -> Starlette:
        routes = [
            Route("/v1/embeddings", self._embeddings, methods=["POST"]),
            Route("/v1/models", self._models, methods=["GET"]),
            Route("/healthz", self._health, methods=["GET"]),
            Route("/metrics", self._metrics, methods=["GET"]),
        ]
        handlers: dict[Any, Any] = {
            Refused: _refused,
            404: _unknown_path,
            405: _unknown_method,
            Exception: _fault,
        }
        return Starlette(routes=routes, exception_handlers=handlers)

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)

    async def _embeddings(self, request: Request) -> Response:
        asked = read_request(await _body(request), self._model, self._dimensions)
        if self._waiting >= MOST_WAITING:
            self._texts.labels(outcome="refused").inc(len(asked.texts))
            raise Refused(429, "encoder_busy", "The encoder is busy. Try again.")
        self._waiting += 1
        try:
            vectors = await asyncio.get_running_loop().run_in_executor(self._thread, self._timed, asked.texts)
        except Exception:
            self._texts.labels(outcome="failed").inc(len(asked.texts))
            raise
        finally:
            self._waiting -= 1
        self._texts.labels(outcome="embedded").inc(len(asked.texts))
        return JSONResponse(self._answer(asked, vectors))

    def _timed(self, texts: Sequence[str]) -> Vectors:
        started = time.perf_counter()
        vectors = self._encode(texts)
        self._seconds.observe(time.perf_counter() - started)
        return vectors

    def _answer(self, asked: EmbeddingRequest, vectors: Vectors) -> dict[str, Any]:
        data = [
            {"object": "embedding", "index": index, "embedding": _written(row, asked.base64)}
            for index, row in enumerate(vectors.values)
        ]
        usage = {"prompt_tokens": vectors.tokens, "total_tokens": vectors.tokens}
        return {"object": "list", "data": data, "model": self._model, "usage": usage}

    async def _models(self, request: Request) -> Response:
        # `digest` is ours: a client that compares vectors must know that the weights are the same.
        model = {
            "id": self._model,
            "object": "model",
            "created": 0,
            "owned_by": "aftertune",
            "digest": self._digest,
        }
        return JSONResponse({"object": "list", "data": [model]})

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _metrics(self, request: Request) -> Response:
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BODY_BYTES:
            raise Refused(413, "body_too_large", f"The body is larger than {MOST_BODY_BYTES} bytes.")
    return bytes(body)


def _written(row: NDArray[np.float32], as_base64: bool) -> str | list[float]:
    """Base64 of little-endian float32, as the OpenAI API has it, or plain numbers."""
    if as_base64:
        return base64.b64encode(row.astype("<f4").tobytes()).decode()
    return [float(number) for number in row]


async def _refused(_request: Request, error: Refused) -> Response:
    headers = {"retry-after": "1"} if error.status == 429 else None
    return JSONResponse(error.body(), error.status, headers)


async def _unknown_path(request: Request, _error: Exception) -> Response:
    return JSONResponse(Refused(404, "not_found", f"There is no {request.url.path} here.").body(), 404)


async def _unknown_method(request: Request, _error: Exception) -> Response:
    message = f"{request.url.path} does not take {request.method}."
    return JSONResponse(Refused(405, "method_not_allowed", message).body(), 405)


async def _fault(_request: Request, error: Exception) -> Response:
    log.error("A request failed: %s: %s", type(error).__name__, error)
    return JSONResponse(Refused(500, "encoder_failed", "The encoder failed on this request.").body(), 500)
