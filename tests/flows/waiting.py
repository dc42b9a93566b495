"""Waiting for what another process does."""

import time
from collections.abc import Callable


def wait_for(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Bounds are for a machine several times slower than ours: what holds at once costs nothing."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except Exception as error:  # noqa: BLE001  (a killed room answers nothing for a moment)
            last: Exception | None = error
        else:
            last = None
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} s for {what}; last: {last!r}")
