"""A loop that never dies: it runs a step, waits for a wake-up or the next tick, and backs off while the step fails."""

import logging
import threading
from collections.abc import Callable

MAX_BACKOFF_S = 5.0

log = logging.getLogger(__name__)


class Loop(threading.Thread):
    """`step` is run until `stop`. A failure is logged when it begins and when it changes, not at every try."""

    def __init__(self, name: str, step: Callable[[], None], tick_s: float) -> None:
        super().__init__(name=name, daemon=True)
        self._step = step
        self._tick_s = tick_s
        self._woken = threading.Event()
        self._stopped = threading.Event()

    def run(self) -> None:
        failures, told = 0, ""
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                self._step()
            except Exception as error:
                failures += 1
                said = f"{type(error).__name__}: {error}"
                if said != told:
                    log.exception("%s failed and is tried again.", self.name)
                    told = said
                self._stopped.wait(min(self._tick_s * 2 ** min(failures, 10), MAX_BACKOFF_S))
                continue
            if failures:
                log.info("%s works again after %d failures.", self.name, failures)
                failures, told = 0, ""
            self._woken.wait(self._tick_s)

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        """Ends after the step under way; join to wait for it."""
        self._stopped.set()
        self._woken.set()
