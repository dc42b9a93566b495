"""`python -m evals`: measures releases until SIGTERM. A run that is under way then, or at a kill, is resumed."""

import logging
import socket
import sys
import threading
from contextlib import closing

from aftertune.clock import SystemClock
from aftertune.lease import Lease
from aftertune.loop import repeat
from aftertune.program import run_until_told
from aftertune.settings import Settings
from aftertune.store import Store
from aftertune.telemetry import serve_metrics
from evals.engines import Engines
from evals.judge_model import configured_judge
from evals.metrics import Metrics
from evals.room import LEASE, LEASE_S, Room
from evals.runner import Runner
from evals.schedule import Nightly, nightly_trigger
from evals.suite import load_suites

log = logging.getLogger("evals")


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. Raises BadInput when it cannot start."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    clock, metrics, suites = SystemClock(), Metrics(), load_suites()
    nightly = Nightly(nightly_trigger(settings.evals.nightly, settings.evals.time_zone), clock)
    judge = configured_judge(settings.evals)
    serve_metrics(
        metrics.registry, settings.evals.metrics_port, settings.metrics_host, "AFTERTUNE_EVALS__METRICS_PORT"
    )
    with (
        closing(Store(settings.database_url)) as store,
        closing(Engines(store, settings.evals.timeout_s)) as engines,
        nightly.running(),
    ):
        # The metrics port makes this the only room of its host and address, hence the holder's name.
        holder = f"{socket.gethostname()}:{settings.evals.metrics_port}"
        lease = Lease(store, clock, LEASE, holder, LEASE_S)
        runner = Runner(
            store,
            clock,
            suites,
            judge,
            metrics,
            engines.of,
            concurrency=settings.evals.concurrency,
            lease=lease,
            stop=stop,
        )
        room = Room(store, clock, suites, runner, nightly, lease, metrics, stop)
        log.info("Offering %s.", ", ".join(suites))
        repeat("evals", room.step, settings.evals.tick_s, stop)


def _secrets(settings: Settings) -> tuple[str, ...]:
    key = settings.evals.judge_key
    return (key.get_secret_value(),) if key else ()


if __name__ == "__main__":
    sys.exit(run_until_told("evals", run, _secrets))
