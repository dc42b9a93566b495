"""How a room's process begins and ends."""

import signal
import sys
import threading
from collections.abc import Callable

from aftertune.errors import AftertuneError
from aftertune.settings import Settings, load
from aftertune.telemetry import configure_logging

Secrets = Callable[[Settings], tuple[str, ...]]


def run_until_told(
    room: str,
    run: Callable[[Settings, threading.Event], None],
    secrets: Secrets = lambda _settings: (),
) -> int:
    """Run the room until SIGTERM or SIGINT; returns the exit code. `secrets` must never be logged."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load()
        configure_logging(room, settings.log_level, secrets(settings))
        run(settings, stop)
    except AftertuneError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  (the caller reads it)
        return error.exit_code
    return 0
