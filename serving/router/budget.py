"""What copies to one release may cost, metered by one router process. Pure: time is given, nothing is locked."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Final, Literal

from aftertune.values.route import MirrorBudget, Window

Refusal = Literal["window", "tokens", "concurrency", "rate"]
DAY_S: Final = 86_400
_UNKNOWN: Final = 0


class Meter:
    """Keeps one budget. Whoever was not refused must report `finished` exactly once.

    The rate is a bucket that holds one second's worth, at least one copy. Tokens are paid afterwards, when the
    engine has counted them, so that a day may end above its limit by the copies that were under way.
    """

    def __init__(self, budget: MirrorBudget, concurrency: int) -> None:
        self._under_way = 0
        self._spent = 0
        self._day = _UNKNOWN
        self._filled_at: float | None = None
        self._level = 0.0
        self.changed(budget, concurrency)
        self._level = self._depth

    def changed(self, budget: MirrorBudget, concurrency: int) -> None:
        """Another budget from now on: copies under way, today's tokens and the rate already used still count."""
        self._per_s = budget.per_s
        self._tokens = budget.tokens_a_day
        self._slots = concurrency if budget.concurrency is None else budget.concurrency
        self._windows = tuple(map(_seconds, budget.windows))
        self._depth = max(1.0, budget.per_s or 0.0)
        self._level = min(self._level, self._depth)

    def refuses(self, now: float, at: Callable[[], datetime]) -> Refusal | None:
        """Why a copy may not be made; None takes a slot and one unit of the rate.

        `now` is monotonic, in seconds; `at` gives the wall clock's time in UTC.
        """
        if self._windows or self._tokens is not None:
            moment = at()
            day = moment.toordinal()
            if day != self._day:
                # What was spent while nobody asked for the day is today's.
                self._day, self._spent = day, self._spent if self._day == _UNKNOWN else 0
            if self._windows and not self._open(moment):
                return "window"
            if self._tokens is not None and self._spent >= self._tokens:
                return "tokens"
        if self._under_way >= self._slots:
            return "concurrency"
        if self._per_s is not None and not self._draws(now, self._per_s):
            return "rate"
        self._under_way += 1
        return None

    def finished(self, tokens: int) -> None:
        """The copy ended, however it did. Its `tokens` count for the day of the last request, in UTC."""
        self._under_way -= 1
        self._spent += tokens

    def _open(self, moment: datetime) -> bool:
        second = moment.hour * 3600 + moment.minute * 60 + moment.second
        return any((second - since) % DAY_S < length for since, length in self._windows)

    def _draws(self, now: float, per_s: float) -> bool:
        if self._filled_at is not None:
            self._level = min(self._depth, self._level + max(0.0, now - self._filled_at) * per_s)
        self._filled_at = now
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True


def _seconds(window: Window) -> tuple[int, int]:
    """When it opens, in seconds after midnight UTC, and for how long. The end is not part of it."""
    since = _second(window.since)
    return since, (_second(window.until) - since) % DAY_S or DAY_S


def _second(of: time) -> int:
    offset = of.utcoffset() or timedelta()
    return (of.hour * 3600 + of.minute * 60 + of.second - int(offset.total_seconds())) % DAY_S
