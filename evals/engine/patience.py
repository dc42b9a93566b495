"""Tries again what can pass: too many requests, an engine's own fault, a deadline or a broken connection."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from aftertune.clock import Clock
from aftertune.engine import AsyncEngine, NoAnswer
from aftertune.errors import Unavailable
from aftertune.values.evaluation import Answer, Loss
from evals.asking.cost import KnowsItsMemory
from evals.engine.pacing import Pace, Sleep, most_tokens, tokens_used
from evals.engine.tokens import estimated_tokens

T = TypeVar("T")


class Retries(NamedTuple):
    """Waits double from `first_s` to `longest_s`, each drawn from its upper half; an engine's Retry-After counts as well.

    No try is begun later than `within_s` after the first: an engine that hangs must not hold up everything else.
    """

    tries: int = 4
    first_s: float = 0.5
    longest_s: float = 8.0
    within_s: float = 20.0

    def wait_s(self, failures: int, asked_for_s: float | None, chance: float) -> float:
        """After so many failures, at least one. `chance` in [0, 1) spreads those who failed together."""
        longest = min(self.longest_s, self.first_s * 2.0 ** (failures - 1))
        return max(asked_for_s or 0.0, longest * (0.5 + chance / 2))


class Patient:
    """An AsyncEngine that keeps to a pace and tries again. `retried` counts the further tries; a reader may zero it."""

    def __init__(
        self,
        engine: Callable[[], Awaitable[AsyncEngine]],
        pace: Pace,
        retries: Retries,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._engine = engine
        self._pace = pace
        self._retries = retries
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self.retried = 0

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        stream: bool = False,
        raw: bool = False,
        settings: Mapping[str, Any],
    ) -> Answer:
        reserved = most_tokens(messages, settings)

        async def ask(engine: AsyncEngine) -> Answer:
            answer = await engine.chat(messages, tools=tools, stream=stream, raw=raw, settings=settings)
            self._pace.used(reserved, tokens_used(answer, reserved))
            return answer

        return await self._asked(ask, reserved)

    async def loss(self, text: str) -> Loss:
        return await self._asked(lambda engine: engine.loss(text), _tokens(text))

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return await self._asked(lambda engine: engine.embed(texts), sum(map(_tokens, texts)))

    async def memory(self) -> int | None:
        """None where the engine does not tell."""
        engine = await self._engine()
        return await engine.memory() if isinstance(engine, KnowsItsMemory) else None

    async def _asked(self, ask: Callable[[AsyncEngine], Awaitable[T]], tokens: float) -> T:
        began, failures = self._clock.monotonic(), 0
        while True:
            await self._pace.wait(tokens)
            try:
                return await ask(await self._engine())
            except Unavailable as error:
                failures += 1
                wait_s = self._next_wait(error, failures, self._clock.monotonic() - began)
                if wait_s is None:
                    tries = "1 try" if failures == 1 else f"{failures} tries"
                    raise NoAnswer(f"no answer in {tries}: {error}", can_pass=False) from error
            self.retried += 1
            await self._sleep(wait_s)

    def _next_wait(self, error: Unavailable, failures: int, spent_s: float) -> float | None:
        """None: it is given up."""
        if failures >= self._retries.tries or (isinstance(error, NoAnswer) and not error.can_pass):
            return None
        asked_for_s = error.retry_after_s if isinstance(error, NoAnswer) else None
        wait_s = self._retries.wait_s(failures, asked_for_s, self._chance())
        return wait_s if spent_s + wait_s < self._retries.within_s else None


def _tokens(text: str) -> int:
    return estimated_tokens([{"content": text}])
