"""Deadlines, looked at together: one timer for all that is under way costs less than one timer each."""

import asyncio
import logging
from typing import Final, Protocol

log = logging.getLogger(__name__)

TICK_S: Final = 0.05
"""A deadline is noticed this much late at most."""


class Watched(Protocol):
    """Something that must not take for ever. `deadline` is in the loop's time; `inf`: none."""

    deadline: float

    def expire(self, now: float) -> None: ...


class Watch:
    """Calls `expire` on each watched thing whose deadline is over, again and again until it is moved or forgotten."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: dict[int, Watched] = {}
        self._timer: asyncio.TimerHandle | None = loop.call_later(TICK_S, self._look)

    def add(self, thing: Watched) -> None:
        self._watched[id(thing)] = thing

    def forget(self, thing: Watched) -> None:
        """Harmless when it is not watched."""
        self._watched.pop(id(thing), None)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __len__(self) -> int:
        return len(self._watched)

    def _look(self) -> None:
        self._timer = self._loop.call_later(TICK_S, self._look)
        now = self._loop.time()
        late = [thing for thing in self._watched.values() if thing.deadline <= now]
        for thing in late:
            if id(thing) in self._watched:
                self._expire(thing, now)

    def _expire(self, thing: Watched, now: float) -> None:
        """One that fails is watched no more: it must not keep others from their end."""
        try:
            thing.expire(now)
        except Exception:
            log.exception("A deadline could not be kept.")
            self.forget(thing)
