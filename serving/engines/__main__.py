"""`python -m serving.engines`: the engine supervisor. SIGTERM stops it and its engines; a kill leaves them running."""

import fcntl
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from aftertune.clock import SystemClock
from aftertune.errors import BadInput, Conflict, Unavailable
from aftertune.program import run_until_told
from aftertune.settings import Settings
from aftertune.store import Store
from aftertune.telemetry import serve_metrics
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
        serve_metrics(
            registry, settings.engines.metrics_port, settings.metrics_host, "AFTERTUNE_ENGINES__METRICS_PORT"
        )
        processes = EngineProcesses(home / "engines", home / "logs", home / "models")
        merges = Merges(store, clock, home / "models", home / "logs")
        supervisor = Supervisor(store, settings.engines, clock, processes, merges, registry)
        told = ""
        while not stop.wait(TICK_S):
            try:
                supervisor.step()
            except (Unavailable, Conflict) as error:
                if str(error) != told:
                    log.warning("This look at the engines failed, the next may not: %s", error)
                told = str(error)
            else:
                told = ""
        supervisor.stop()


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


if __name__ == "__main__":
    sys.exit(run_until_told("engines", run))
