"""The thread that puts what the spool's writer wrote on the disk itself, and looks at its folder."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aftertune import durable

MEASURED_EVERY_S = 1.0
_NONE = -1

log = logging.getLogger(__name__)


@dataclass
class SyncCounts:
    """Of fdatasync: calls, the seconds they took, and how many failed. They only rise."""

    calls: int = 0
    seconds: float = 0.0
    errors: int = 0


class Flusher(threading.Thread):
    """Owns the descriptors that the writer gives it: only this thread closes them, so none is used again too soon.

    `dirty` is set by the writer when it wrote. `failed`: the disk refused; begin a new segment.
    """

    def __init__(self, folder: Path, every_s: float, measure: Callable[[], None]) -> None:
        """`every_s`: what is written reaches the disk that often; 0: only when a segment is retired at the end."""
        super().__init__(name="spool-flusher", daemon=True)
        self.counts = SyncCounts()
        self.dirty = False
        self.failed = False
        self._folder = folder
        self._every_s = every_s
        self._measure = measure
        self._current = _NONE
        self._retired: deque[int] = deque()
        self._names_changed = False
        self._stopped = threading.Event()

    def begin(self, descriptor: int) -> None:
        """From now on this one is written to."""
        self._current = descriptor
        self._names_changed = True
        self.failed = False

    def retire(self) -> None:
        """The current one gets nothing more: it is put on the disk and closed."""
        self._retired.append(self._current)
        self._current = _NONE

    def stop(self) -> None:
        """Put everything on the disk, whatever `every_s` is, close what is retired, and end."""
        self._stopped.set()
        self.join()
        self._round(sync=True)

    def run(self) -> None:
        tick_s = min(self._every_s or MEASURED_EVERY_S, MEASURED_EVERY_S)
        measure_at = time.monotonic() + MEASURED_EVERY_S
        while not self._stopped.wait(tick_s):
            self._round(sync=self._every_s > 0)
            if time.monotonic() >= measure_at:
                self._measure()
                measure_at = time.monotonic() + MEASURED_EVERY_S

    def _round(self, *, sync: bool) -> None:
        if sync and self._names_changed:
            self._names_changed = False
            self._counted(lambda: durable.flush(self._folder))
        while self._retired:
            descriptor = self._retired.popleft()
            if sync:
                self._counted(lambda: os.fdatasync(descriptor))  # noqa: B023  (called at once)
            os.close(descriptor)
        # The writer may retire it meanwhile, but nobody else closes it.
        descriptor = self._current
        if sync and self.dirty and descriptor != _NONE:
            self.dirty = False
            self._counted(lambda: os.fdatasync(descriptor))

    def _counted(self, flush: Callable[[], None]) -> None:
        began = time.perf_counter()
        try:
            flush()
        except OSError as error:
            # The kernel may have dropped what it could not write: what comes next goes elsewhere.
            self.counts.errors += 1
            self.failed = True
            log.warning("The disk refused what the spool wrote: %s.", error)
        self.counts.calls += 1
        self.counts.seconds += time.perf_counter() - began
