"""What a key may still do, decided in the router's memory; and how many tokens an answer took.

Pure but for the clock. A limit holds for one router process. Each rate is a meter: what was used drains steadily,
a minute's worth in a minute. So a key that was idle may use a minute's worth at once, and over any t seconds never
more than a minute's worth and t/60 of it. Tokens are known only when an answer ends: a request is let in while
less than a minute's worth is used, and its answer may take the meter beyond that; what is beyond drains first.
"""

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from aftertune.values.route import KeyGrant

_MINUTE_S: Final = 60.0
_BUSY_RETRY_S: Final = 1.0
_ROUNDING: Final = 1e-6
"""Of a request: floating-point drain may leave this much over, and who waited as told is let in."""
_SWEEP_FROM: Final = 1024

_USAGE: Final = re.compile(
    rb'"usage"\s*:\s*\{(?:[^{}"]|"[^"\\]*"|\{[^{}]*\})*?"total_tokens"\s*:\s*([0-9]{1,12})(?=[\s,}])'
)
"""Each way to go on starts with another byte, and a match never enters a second usage object that is not closed:
over all starts in a text, no byte is looked at more than a few times."""


class Excess(NamedTuple):
    """Which limit stands in the way: the configured number, and when to try again."""

    limit: Literal["requests", "tokens", "concurrency"]
    most: int
    retry_after_s: float


class _Meters:
    """What one key used: amounts drain with time at the rate of the limits seen last."""

    __slots__ = ("active", "at", "request_rate", "requests", "token_rate", "tokens")

    def __init__(self, at: float) -> None:
        self.at = at
        self.active = 0
        self.requests = self.tokens = 0.0
        self.request_rate = self.token_rate = 0.0

    def drain(self, now: float) -> None:
        """A clock that goes backwards drains nothing, and nothing twice."""
        elapsed = now - self.at
        if elapsed > 0:
            self.at = now
            self.requests = max(0.0, self.requests - elapsed * self.request_rate)
            self.tokens = max(0.0, self.tokens - elapsed * self.token_rate)

    def take_rates(self, grant: KeyGrant) -> None:
        """What a limit that is no more had counted is forgotten."""
        self.request_rate = (grant.requests_a_minute or 0) / _MINUTE_S
        self.token_rate = (grant.tokens_a_minute or 0) / _MINUTE_S
        if grant.requests_a_minute is None:
            self.requests = 0.0
        if grant.tokens_a_minute is None:
            self.tokens = 0.0

    @property
    def idle(self) -> bool:
        """Not to be told from a new one."""
        return not self.active and not self.requests and not self.tokens


class Limits:
    """`now` gives monotonic seconds. For one event loop: not safe between threads."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._meters: dict[str, _Meters] = {}
        self._sweep_at = _SWEEP_FROM

    def __len__(self) -> int:
        """Keys that something is known of."""
        return len(self._meters)

    def admit(self, grant: KeyGrant) -> Excess | None:
        """Take one request and one slot, or say which limit forbids it and take nothing.

        Whoever was admitted must `leave` once, with the same grant. A key whose limits change keeps what it used:
        the new limits hold from its next request. Requests under a grant without any limit are not counted.
        """
        requests, tokens, concurrency = grant.requests_a_minute, grant.tokens_a_minute, grant.concurrency
        if requests is None and tokens is None and concurrency is None:
            return None
        now = self._now()
        meters = self._meters.get(grant.name)
        if meters is None:
            meters = self._new(grant.name, now)
        else:
            meters.drain(now)
        meters.take_rates(grant)
        if concurrency is not None and meters.active >= concurrency:
            return Excess("concurrency", concurrency, _BUSY_RETRY_S)
        if requests is not None:
            over = meters.requests + 1 - requests
            if over > _ROUNDING:
                return Excess("requests", requests, over / meters.request_rate)
        if tokens is not None:
            over = meters.tokens + 1 - tokens
            if over > _ROUNDING:
                return Excess("tokens", tokens, over / meters.token_rate)
        meters.active += 1
        if requests is not None:
            meters.requests += 1
        return None

    def leave(self, grant: KeyGrant, tokens: int) -> None:
        """Give the slot back and charge the tokens of prompt and completion, reported or estimated."""
        if grant.requests_a_minute is None and grant.tokens_a_minute is None and grant.concurrency is None:
            return
        meters = self._meters.get(grant.name)
        if meters is None or not meters.active:
            return
        meters.active -= 1
        if grant.tokens_a_minute is not None and tokens > 0:
            meters.drain(self._now())
            meters.tokens += tokens

    def _new(self, name: str, now: float) -> _Meters:
        if len(self._meters) >= self._sweep_at:
            for meters in self._meters.values():
                meters.drain(now)
            self._meters = {key: meters for key, meters in self._meters.items() if not meters.idle}
            self._sweep_at = max(_SWEEP_FROM, 2 * len(self._meters))
        meters = self._meters[name] = _Meters(now)
        return meters


def used_tokens(answer_tail: bytes) -> int | None:
    """`total_tokens` of the last usage object in the last bytes of an answer, JSON or SSE; None without one.

    Found by its bytes: quotes inside a JSON string are escaped, so text that looks like usage does not count.
    """
    end = len(answer_tail)
    while (at := answer_tail.rfind(b'"usage"', 0, end)) >= 0:
        found = _USAGE.match(answer_tail, at)
        if found:
            return int(found[1])
        end = at
    return None


def estimated_tokens(request: int, answer: int) -> int:
    """From the bytes of both bodies, where the engine reported nothing: four bytes a token, rounded up."""
    return (request + answer + 3) // 4
