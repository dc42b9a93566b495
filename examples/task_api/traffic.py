"""What an application sends: several conversations at once, through the unchanged `openai` client.

Half of the answers are streamed. No request, or its phrasing's values, was in any training data.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import httpx2
import openai

from training.corpus import TOOLS, Sample, ToolCall, samples, tool_result, unseen_samples

KINDS = {"tool_call": 0.62, "fact": 0.12, "sum": 0.08, "copy": 0.06, "task_talk": 0.08, "small_talk": 0.04}
OTHER_TOPICS = {"fraud": 0.5, "plant": 0.5}
SHARE_NEW_PHRASINGS = 0.05
LEISURE_S = 2.0
"""What a user thinks before the next conversation, while nothing waits for evidence."""


@dataclass
class Tally:
    """What came back so far."""

    answers: int = 0
    streamed: int = 0
    with_tools: int = 0
    tool_calls: int = 0
    conversations: int = 0
    by_release: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)


class Traffic:
    """Endless conversations from `workers` workers, in a thread of its own, between `start` and `stop`."""

    def __init__(self, router_url: str, key: str, deployment: str, workers: int = 3, seed: int = 1) -> None:
        self._url = f"{router_url}/v1"
        self._key = key
        self._deployment = deployment
        self._workers = workers
        self._rng = Random(seed)
        self._numbers = count(1)
        self._seed = seed
        self._requests = self._endless(KINDS)
        self._pause_s = 0.0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.tally = Tally()

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    def shift_to(self, kinds: Mapping[str, float]) -> None:
        """New conversations are about these kinds of things, in these shares."""
        self._requests = self._endless(kinds)

    def hurry(self) -> None:
        """Users ask again at once: as much evidence as the engines can give."""
        self._pause_s = 0.0

    def relax(self) -> None:
        """Users take their time, which leaves the machine to merges, engine starts and suites."""
        self._pause_s = LEISURE_S

    def stop(self) -> None:
        """Let the conversations under way end, then return."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    async def _run(self) -> None:
        async with openai.AsyncOpenAI(
            base_url=self._url, api_key=self._key, max_retries=0, timeout=60
        ) as client:
            await asyncio.gather(*(self._worker(client) for _ in range(self._workers)))

    async def _worker(self, client: openai.AsyncOpenAI) -> None:
        while not self._stopping.is_set():
            try:
                await self._converse(client, next(self._requests), next(self._numbers))
            # The client hands on its transport's own error when a stream is cut off.
            except (openai.OpenAIError, httpx2.TransportError) as error:
                self.tally.failures[type(error).__name__] += 1
                await asyncio.sleep(0.2)
            await asyncio.sleep(self._pause_s)

    async def _converse(self, client: openai.AsyncOpenAI, sample: Sample, number: int) -> None:
        """One or two turns: where the answer is a call that can be run, its result is sent back."""
        self.tally.conversations += 1
        messages = sample.openai_messages()
        answer = await self._ask(client, messages, sample.tools_offered, number, number % 2 == 0)
        result = self._task_api(answer)
        if result is not None:
            await self._ask(client, [*messages, answer, result], True, number, number % 3 == 0)

    def _task_api(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        """What the Task API says to the answer's call; None without a call, or with one that nobody could run."""
        for call in answer.get("tool_calls") or ():
            try:
                arguments = json.loads(call["function"]["arguments"])
                result = tool_result(ToolCall.of(call["function"]["name"], arguments), self._rng)
            except (ValueError, AttributeError):
                return None
            return {"role": "tool", "tool_call_id": call["id"], "content": json.dumps(result)}
        return None

    async def _ask(
        self,
        client: openai.AsyncOpenAI,
        messages: list[dict[str, Any]],
        tools_offered: bool,
        number: int,
        stream: bool,
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._deployment,
            "messages": messages,
            "max_tokens": 96,
            "temperature": 0,
        }
        if tools_offered:
            request["tools"] = TOOLS
        raw = await client.chat.completions.with_raw_response.create(
            **request,
            stream=stream,
            extra_headers={
                "x-aftertune-conversation": f"conversation-{number}",
                "x-aftertune-user": f"user-{number % 7}",
            },
        )
        parsed = raw.parse()
        if isinstance(parsed, openai.AsyncStream):
            message = await _collect(parsed)
        else:
            message = parsed.choices[0].message.model_dump(exclude_none=True)
        self.tally.answers += 1
        self.tally.streamed += stream
        self.tally.with_tools += tools_offered
        self.tally.tool_calls += len(message.get("tool_calls") or ())
        self.tally.by_release[raw.headers.get("x-aftertune-release", "unknown")] += 1
        return {k: message[k] for k in ("role", "content", "tool_calls") if message.get(k)} or {
            "role": "assistant",
            "content": "",
        }

    def _endless(self, kinds: Mapping[str, float]) -> Iterator[Sample]:
        unseen = unseen_samples()
        for block in count(self._seed * 1000):
            pool = {kind: samples(kind, "held_out_values", 40, seed=block) for kind in kinds}
            for kind in self._rng.choices(list(kinds), list(kinds.values()), k=40):
                fresh = kind == "tool_call" and self._rng.random() < SHARE_NEW_PHRASINGS
                yield self._rng.choice(unseen if fresh else pool[kind])


async def _collect(stream: openai.AsyncStream[Any]) -> dict[str, Any]:
    """The message that a stream's deltas make."""
    text: list[str] = []
    calls: dict[int, dict[str, Any]] = {}
    async for chunk in stream:
        for choice in chunk.choices:
            text.append(choice.delta.content or "")
            for delta in choice.delta.tool_calls or ():
                call = calls.setdefault(
                    delta.index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
                )
                call["id"] += delta.id or ""
                if delta.function is not None:
                    call["function"]["name"] += delta.function.name or ""
                    call["function"]["arguments"] += delta.function.arguments or ""
    return {"role": "assistant", "content": "".join(text), "tool_calls": [calls[i] for i in sorted(calls)]}
