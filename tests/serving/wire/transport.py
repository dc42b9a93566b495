"""A transport whose other side does what a test says, and a loop's clock that a test moves."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

HIGH_WATER = 65_536


class FakeTransport(asyncio.Transport):
    """Keeps what is written. While `reads` is False the other side takes nothing: it piles up in `waiting`.

    As real ones do, it tells of a closed connection in a later turn of the loop, and `close` first delivers what waits.
    """

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = bytearray()
        self.waiting = 0
        self.reads = True
        self.reading = True
        self.closing = False
        self.aborted = False
        self.ended = False
        self._full = False
        self._lost = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "nothing can be written after write_eof"
        if self.closing:
            return
        self.written += data
        if not self.reads:
            self.waiting += len(data)
            if self.waiting > HIGH_WATER and not self._full:
                self._full = True
                self.protocol.pause_writing()

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = bytes(self.written)
        self.written.clear()
        return taken

    def read_on(self) -> None:
        """The other side reads again."""
        self.reads, self.waiting = True, 0
        if self._full:
            self._full = False
            self.protocol.resume_writing()
        if self.closing:
            self._lose(None)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def close(self) -> None:
        self.closing = True
        if not self.waiting:
            self._lose(None)

    def abort(self) -> None:
        self.closing = self.aborted = True
        self._lose(None)

    def lose(self, error: Exception | None = None) -> None:
        """The other side is gone."""
        self.closing = True
        self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, error)


class Clock:
    """As much of an event loop as a watch needs: a time, and one timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Any:
        timer = (self.now + seconds, callback)
        self._timers.append(timer)

        class Handle:
            def cancel(handle) -> None:  # noqa: N805
                self._timers.remove(timer)

        return Handle()

    def pass_to(self, now: float) -> None:
        """Let the time go by, timer by timer."""
        while self._timers and min(at for at, _ in self._timers) <= now:
            timer = min(self._timers, key=lambda each: each[0])
            self._timers.remove(timer)
            self.now = max(self.now, timer[0])
            timer[1]()
        self.now = now

    @property
    def timers(self) -> int:
        return len(self._timers)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return cast("asyncio.AbstractEventLoop", self)


async def turns(count: int = 5) -> None:
    """Let the loop do what is due."""
    for _ in range(count):
        await asyncio.sleep(0)


def split(raw: bytes, cuts: list[int]) -> list[bytes]:
    """`raw` in pieces, cut at these places (modulo its length)."""
    places = sorted({cut % (len(raw) + 1) for cut in cuts} | {0, len(raw)})
    return [raw[a:b] for a, b in pairwise(places)]
