"""A loop that never dies: it runs a step, waits for the next tick or a wake-up, and backs off while the step fails."""

import logging
import threading
from collections.abc import Callable

from aftertune.errors import Unavailable

MAX_BACKOFF_S = 5.0

log = logging.getLogger(__name__)


def repeat(
    name: str,
    step: Callable[[], bool | None],
    tick_s: float,
    stop: threading.Event,
    woken: threading.Event | None = None,
) -> None:
    """Until `stop` is set; at once again while the step says True. `woken` ends the wait for a tick early.

    A failure is logged when it begins and when it changes, not at every try.
    """
    failures, told = 0, ""
    while not stop.is_set():
        if woken is not None:
            woken.clear()
        try:
            busy = step()
        except Exception as error:
            failures += 1
            said = f"{type(error).__name__}: {error}"
            if said != told and isinstance(error, Unavailable):
                log.warning("%s waits, and tries again: %s", name, error)
            elif said != told:
                log.exception("%s failed and is tried again.", name)
            told = said
            stop.wait(min(tick_s * 2 ** min(failures, 10), MAX_BACKOFF_S))
            continue
        if failures:
            log.info("%s works again after %d failures.", name, failures)
            failures, told = 0, ""
        if not busy:
            (woken or stop).wait(tick_s)
