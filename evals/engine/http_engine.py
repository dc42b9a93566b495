"""The AsyncEngine over HTTP: one connection pool, one adapter for each release. Nothing is tried again here."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp

from aftertune.capabilities import ACCEPTED_FIELDS
from aftertune.clock import Clock
from aftertune.engine import NoAnswer
from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer, Loss
from aftertune.values.release import EngineKind
from evals.engine.answer_stream import AnswerStream
from evals.engine.completion import read_answer, text_of, tokens_of
from evals.engine.memory import memory_of

CHAT = "/v1/chat/completions"

LONGEST_BODY = 16_000_000
"""Bytes of an answer; a longer one is none."""

LONGEST_LINE = 1_000_000
"""Bytes of one event of a stream."""

LONGEST_REASON = 300
"""Characters of what an engine said instead of an answer; it may send a whole page."""

_CAN_PASS = frozenset({408, 425, 429})


class Address(NamedTuple):
    """Where a release answers. `url` has no `/v1`."""

    url: str
    model: str
    kind: EngineKind


def session(timeout_s: float) -> aiohttp.ClientSession:
    """A pool without a limit of its own: how much is under way is the harness's to say."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        read_bufsize=LONGEST_LINE,
    )


class HttpEngine:
    """`key` is sent as a bearer token where there is one."""

    def __init__(self, client: aiohttp.ClientSession, address: Address, clock: Clock, key: str = "") -> None:
        self._client = client
        self._address = address
        self._clock = clock
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        stream: bool = False,
        raw: bool = False,
        settings: Mapping[str, Any],
    ) -> Answer:
        body = {"messages": list(messages), **settings}
        if tools:
            body["tools"] = list(tools)
        knows_tokens = raw and self._address.kind is EngineKind.VLLM
        if knows_tokens:
            body["return_token_ids"] = True
        started = self._clock.monotonic()
        if stream:
            answer, tokens = await self._streamed(body, started)
        else:
            answer, tokens = self._read(await self._post(CHAT, body))
        found: dict[str, Any] = {"latency_s": self._clock.monotonic() - started}
        if knows_tokens and tokens:
            told = await self._post("/detokenize", {"tokens": list(tokens)})
            found["raw"] = text_of(told.get("prompt"))
        return answer.model_copy(update=found)

    async def loss(self, text: str) -> Loss:
        """By prompt log-probabilities, as vLLM tells them. The engine's own opening token, if any, is the context."""
        if self._address.kind is EngineKind.TRANSFORMERS:
            raise BadInput(
                "The embedded engine cannot tell how likely a given text is.", "Serve the release with vLLM."
            )
        body = {"prompt": text, "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
        told = await self._post("/v1/completions", body)
        try:
            tokens = told["choices"][0]["prompt_logprobs"][1:]
            nats = [-float(next(iter(token.values()))["logprob"]) for token in tokens]
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, StopIteration):
            raise BadInput(
                f"{self._address.url} tells no log-probabilities of a prompt.", "Serve the release with vLLM."
            ) from None
        if not nats or not all(math.isfinite(each) for each in nats):
            raise BadInput("The text has no second token, or a log-probability that is no number.")
        return Loss(nats=math.fsum(nats), tokens=len(nats))

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        told = await self._post("/v1/embeddings", {"input": list(texts), "encoding_format": "float"})
        try:
            rows = sorted(told["data"], key=lambda row: row["index"])
            vectors = [[float(value) for value in row["embedding"]] for row in rows]
        except (KeyError, TypeError, ValueError):
            raise self._no_answer("gave no embeddings", can_pass=False) from None
        if len(vectors) != len(texts) or not all(map(math.isfinite, (v for row in vectors for v in row))):
            raise self._no_answer("gave other embeddings than were asked for", can_pass=False)
        return vectors

    async def memory(self) -> int | None:
        """Bytes that the engine's processes take; None where they are not on this machine."""
        return await asyncio.to_thread(memory_of, self._address.url)

    def _read(self, told: Mapping[str, Any]) -> tuple[Answer, tuple[int, ...]]:
        try:
            return read_answer(told), tokens_of(told)
        except ValueError as error:
            raise self._no_answer(f"gave no chat completion: {error}", can_pass=False) from None

    async def _streamed(self, body: Mapping[str, Any], started: float) -> tuple[Answer, tuple[int, ...]]:
        accepted = ACCEPTED_FIELDS[self._address.kind]
        if accepted is None or "stream_options" in accepted:
            body = {**body, "stream_options": {"include_usage": True}}
        read, size = AnswerStream(), 0
        async with self._sent(CHAT, {**body, "stream": True}) as response:
            try:
                async for line in response.content:
                    size += len(line)
                    if size > LONGEST_BODY:
                        raise self._no_answer(f"sent more than {LONGEST_BODY} bytes", can_pass=False)
                    read.add(line, self._clock.monotonic() - started)
            except (ValueError, RecursionError):
                raise self._no_answer("gave no stream of a chat completion", can_pass=False) from None
        if not read.ended:
            raise self._no_answer("broke off its stream", can_pass=True)
        return read.answer(), read.tokens

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        async with self._sent(path, body) as response:
            raw = await response.content.read(LONGEST_BODY + 1)
            while len(raw) <= LONGEST_BODY and (more := await response.content.read(LONGEST_BODY)):
                raw += more
        if len(raw) > LONGEST_BODY:
            raise self._no_answer(f"sent more than {LONGEST_BODY} bytes", can_pass=False)
        try:
            told = json.loads(raw)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise self._no_answer("answered with something that is no JSON object", can_pass=False)
        return told

    @asynccontextmanager
    async def _sent(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        """A request under way: whatever becomes of its connection in here is a NoAnswer that can pass."""
        whole = self._fitting(path, {"model": self._address.model, **body})
        try:
            async with self._client.post(
                f"{self._address.url}{path}", json=whole, headers=self._headers
            ) as response:
                if response.status != HTTPStatus.OK:
                    raise await self._refusal(response)
                yield response
        except TimeoutError:
            raise self._no_answer("gave no whole answer in time", can_pass=True) from None
        except (aiohttp.ClientError, OSError) as error:
            said = " ".join(f"{error}".split())[:LONGEST_REASON]
            raise self._no_answer(
                f"gave no answer: {type(error).__name__} {said}".rstrip(), can_pass=True
            ) from None

    def _fitting(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises BadInput for a field that this kind of engine would refuse or quietly leave out."""
        accepted = ACCEPTED_FIELDS[self._address.kind]
        refused = [] if accepted is None or path != CHAT else sorted(body.keys() - set(accepted))
        if refused:
            raise BadInput(
                f"The {self._address.kind} engine takes no {', '.join(refused)}.",
                "Leave it out of the card, or serve the release with another engine.",
            )
        return body

    async def _refusal(self, response: aiohttp.ClientResponse) -> NoAnswer:
        said = (await response.content.read(4 * LONGEST_REASON)).decode(errors="replace")
        status = response.status
        return self._no_answer(
            f"answered {status}: {' '.join(said.split())[:LONGEST_REASON]}",
            can_pass=status in _CAN_PASS or status >= HTTPStatus.INTERNAL_SERVER_ERROR,
            retry_after_s=_seconds(response.headers.get("Retry-After")),
        )

    def _no_answer(self, said: str, *, can_pass: bool, retry_after_s: float | None = None) -> NoAnswer:
        return NoAnswer(f"{self._address.url} {said}.", can_pass=can_pass, retry_after_s=retry_after_s)


def _seconds(header: str | None) -> float | None:
    """Of a Retry-After in seconds. Its other form, a date, needs the engine's clock to be ours: it is not used."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
