"""`python -m serving.engines`: the engine supervisor. SIGTERM stops it and its engines; a kill leaves them running."""

import fcntl
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from aftertune.clock import SystemClock
from aftertune.errors import AftertuneError, BadInput, Conflict, Unavailable
from aftertune.settings import Settings, load
from aftertune.store import Store
from aftertune.telemetry import configure_logging, serve_metrics
from aftertune.values.release import EngineKind
from serving.engines.kinds import KINDS, local_kind
from serving.engines.merges import Merges
from serving.engines.process import EngineProcesses
from serving.engines.supervisor import Supervisor

log = logging.getLogger(__name__)

TICK_S = 0.25


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. Raises BadInput or Unavailable when it cannot start."""
    if settings.engines.kind is not EngineKind.EXTERNAL:
        local_kind(KINDS, settings.engines.kind).require(settings.engines)
    clock, registry = SystemClock(), CollectorRegistry()
    home = settings.home.absolute()
    with _only_one(home / "engines"), closing(Store(settings.database_url)) as store:
        _serve_metrics(registry, settings.engines.metrics_port)
        processes = EngineProcesses(home / "engines", home / "logs", home / "models")
        merges = Merges(store, clock, home / "models", home / "logs")
        supervisor = Supervisor(store, settings.engines, clock, processes, merges, registry)
        while not stop.wait(TICK_S):
            try:
                supervisor.step()
            except (Unavailable, Conflict) as error:
                log.warning("This look at the engines failed, the next may not: %s", error)
        supervisor.stop()


def _serve_metrics(registry: CollectorRegistry, port: int) -> None:
    try:
        serve_metrics(registry, port)
    except OSError as error:
        raise BadInput(
            f"Port {port} on 127.0.0.1 cannot be used: {error.strerror}.",
            "Stop what listens there, or set AFTERTUNE_ENGINES__METRICS_PORT to a free port.",
        ) from None


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "supervisor.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(
                f"Another engine supervisor works in {folder}.", "Stop it, or set AFTERTUNE_HOME."
            ) from None
        yield


def main() -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load()
        configure_logging("engines", settings.log_level)
        run(settings, stop)
    except AftertuneError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  (the caller reads it)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
