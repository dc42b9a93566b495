"""A loop in a thread of its own, which can be woken before its next tick."""

import threading
from collections.abc import Callable

from aftertune.loop import repeat


class Loop(threading.Thread):
    """`step` is run until `stop`, as `aftertune.loop` has it."""

    def __init__(self, name: str, step: Callable[[], None], tick_s: float) -> None:
        super().__init__(name=name, daemon=True)
        self._step = step
        self._tick_s = tick_s
        self._woken = threading.Event()
        self._stopped = threading.Event()

    def run(self) -> None:
        repeat(self.name, self._step, self._tick_s, self._stopped, self._woken)

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        """Ends after the step under way; join to wait for it."""
        self._stopped.set()
        self._woken.set()
