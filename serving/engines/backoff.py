"""When a thing that failed may be tried again."""

from aftertune.clock import Clock

FIRST_S = 1.0
LONGEST_S = 60.0


class Backoff:
    """Per name: 1 s after the first failure, doubled each time, at most a minute; forgotten on success."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def due(self, name: str) -> bool:
        return self._clock.monotonic() >= self._not_before.get(name, 0.0)

    def failed(self, name: str) -> None:
        failures = self._failures.get(name, 0)
        self._failures[name] = failures + 1
        self._not_before[name] = self._clock.monotonic() + min(LONGEST_S, FIRST_S * 2.0 ** min(failures, 10))

    def succeeded(self, name: str) -> None:
        self._failures.pop(name, None)
        self._not_before.pop(name, None)
