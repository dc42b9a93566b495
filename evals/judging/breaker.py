"""A judge that gives no reply over and over is not asked for the rest of a run: it would hold up every other one."""

MOST_FAILURES = 3
"""So many in a row, and the rest of the run is unmeasured without asking."""


class Breaker:
    """`refusal` is why it must not be asked any more; empty while it may. A reply of any kind closes the row."""

    def __init__(self) -> None:
        self._failures = 0
        self.refusal = ""

    def replied(self) -> None:
        self._failures = 0

    def failed(self, reason: str) -> None:
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            self.refusal = f"not asked after {MOST_FAILURES} failures in a row, the last: {reason}"
