"""How fast engines may be asked: budgets of requests and of tokens."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aftertune.clock import Clock
from aftertune.values.evaluation import Answer
from evals.engine.tokens import estimated_tokens

Sleep = Callable[[float], Awaitable[object]]

MINUTE_S = 60.0


class Bucket:
    """Gives out `rate` a second, after a pause up to `burst` at once. Who takes more than is there waits its turn.

    Amounts may be larger than the burst: the debt is waited for.
    """

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._level = burst
        self._at = clock.monotonic()

    def take(self, amount: float) -> float:
        """Takes it now; returns the seconds to wait before it may be used."""
        now = self._clock.monotonic()
        self._level = min(self._burst, self._level + (now - self._at) * self._rate) - amount
        self._at = now
        return max(0.0, -self._level / self._rate)

    def give_back(self, amount: float) -> None:
        """Of what was taken and turned out not to be needed."""
        self._level = min(self._burst, self._level + amount)


class Budget(NamedTuple):
    """What all engines of a run may get together; None: as much as comes."""

    requests_per_s: float | None = None
    tokens_per_minute: float | None = None

    def shared_by(self, workers: int) -> "Budget":
        """One worker's part."""
        return Budget(*(None if value is None else value / workers for value in self))


class Pace:
    """Makes callers wait until the budgets allow their request."""

    def __init__(self, budget: Budget, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        requests, tokens = budget
        self._requests = Bucket(requests, 1.0, clock) if requests else None
        self._tokens = Bucket(tokens / MINUTE_S, tokens / MINUTE_S, clock) if tokens else None
        self._sleep = sleep

    async def wait(self, tokens: float) -> None:
        """`tokens`: what the request may use at most; what it did not use comes back by `used`."""
        waits = [
            bucket.take(amount)
            for bucket, amount in ((self._requests, 1.0), (self._tokens, tokens))
            if bucket is not None
        ]
        if waits and max(waits) > 0:
            await self._sleep(max(waits))

    def used(self, reserved: float, tokens: float) -> None:
        if self._tokens is not None:
            self._tokens.give_back(reserved - tokens)


def most_tokens(messages: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> int:
    """What a chat request may use: its prompt, estimated, and the longest answer."""
    return estimated_tokens(messages) + int(settings.get("max_tokens", 0))


def tokens_used(answer: Answer, reserved: float) -> float:
    """As the engine counted; all that was reserved where it did not."""
    if answer.prompt_tokens is None or answer.completion_tokens is None:
        return reserved
    return answer.prompt_tokens + answer.completion_tokens
