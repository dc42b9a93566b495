"""Asking a release's engine: paced, a few at a time, every answer drained to its end."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from time import monotonic

import httpx

from aftertune.replay.answer import LONGEST_ANSWER, ReplayAnswer
from aftertune.replay.prompt import Prompt, Unfit, engine_request
from aftertune.values.route import Target

GIVE_UP = 20
"""After so many failures in a row the engine counts as away."""

NOT_MEASURED = frozenset({401, 403, 404, 405, 408, 429, 501, 502, 503, 504})
"""Statuses of an engine that is busy, away or does not serve the endpoint: they say nothing about the release."""


class _Unmeasured(Exception):
    """No answer that could be scored; the text says why."""


class Pace:
    """At most `rate` beginnings a second; None: no limit."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 0.0 if rate is None else 1.0 / rate
        self._next = 0.0

    async def wait(self) -> None:
        now = monotonic()
        begin = max(now, self._next)
        self._next = begin + self._gap
        if begin > now:
            await asyncio.sleep(begin - now)


class Asker:
    """Puts prompts to one engine. `unmeasured` counts, by reason, those without an answer that could be scored."""

    def __init__(self, target: Target, rate: float | None, concurrency: int, timeout_s: float) -> None:
        self.unmeasured: Counter[str] = Counter()
        self._target = target
        self._pace = Pace(rate)
        self._places = asyncio.Semaphore(concurrency)
        self._timeout_s = timeout_s
        self._failures = 0
        limits = httpx.Limits(max_connections=concurrency)
        self._client = httpx.AsyncClient(
            base_url=target.url, timeout=timeout_s, limits=limits, trust_env=False
        )

    @property
    def away(self) -> bool:
        return self._failures >= GIVE_UP

    async def answers(self, prompts: Sequence[Prompt]) -> AsyncGenerator[ReplayAnswer | None]:
        """One for each prompt, as they come; None where nothing could be measured."""
        tasks = [asyncio.create_task(self._ask(prompt)) for prompt in prompts]
        try:
            for answer in asyncio.as_completed(tasks):
                yield await answer
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, prompt: Prompt) -> ReplayAnswer | None:
        async with self._places:
            try:
                return await self._measure(prompt)
            except (Unfit, _Unmeasured) as error:
                self.unmeasured[str(error)] += 1
                return None

    async def _measure(self, prompt: Prompt) -> ReplayAnswer:
        """Raises Unfit, _Unmeasured."""
        if self.away:
            raise _Unmeasured("the engine is away")
        body = engine_request(prompt, self._target)
        await self._pace.wait()
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._post(prompt, body)
        except (httpx.HTTPError, TimeoutError) as error:
            self._failures += 1
            timeout = isinstance(error, TimeoutError | httpx.TimeoutException)
            raise _Unmeasured("no answer in time" if timeout else "the engine does not answer") from error
        if answer.status in NOT_MEASURED or 200 < answer.status < 400:
            self._failures += 1
            raise _Unmeasured(f"the engine answers {answer.status}")
        self._failures = 0
        return answer

    async def _post(self, prompt: Prompt, body: bytes) -> ReplayAnswer:
        sent, first, answer = monotonic(), None, bytearray()
        headers = {"content-type": "application/json"}
        async with self._client.stream("POST", prompt.endpoint, content=body, headers=headers) as response:
            async for piece in response.aiter_bytes():
                first = monotonic() if first is None else first
                answer += piece
                if len(answer) > LONGEST_ANSWER:
                    raise _Unmeasured(f"an answer is longer than {LONGEST_ANSWER} bytes")
        ended = monotonic()
        # Checked by the console, which takes the bytes as base64.
        return ReplayAnswer.model_construct(
            exchange_id=prompt.exchange_id,
            status=response.status_code,
            answer=bytes(answer),
            first_byte_s=(first or ended) - sent,
            last_byte_s=ended - sent,
        )
