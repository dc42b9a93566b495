"""`python -m evals`: measures releases until SIGTERM. A run that is under way then, or at a kill, is resumed."""

import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from aftertune.clock import SystemClock
from aftertune.lease import Lease
from aftertune.loop import repeat
from aftertune.program import run_until_told
from aftertune.settings import Settings
from aftertune.settings.sections import EvalsSettings, ExecutorKind
from aftertune.store import Store
from aftertune.telemetry import serve_metrics
from evals.engine.pacing import Budget
from evals.engine.patience import Retries
from evals.executor import Executor, LocalExecutor, RayExecutor
from evals.harness.harness import Limits
from evals.harness.runner import Runner
from evals.judges import Judges
from evals.room import LEASE, LEASE_S, Room
from evals.suite.suite import SUITES, load_suites
from evals.telemetry import Metrics
from evals.timetable import timetable

log = logging.getLogger("evals")


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. Raises BadInput when it cannot start."""
    clock, metrics, suites = SystemClock(), Metrics(), load_suites(SUITES, *settings.evals.suites)
    slots = timetable(settings.evals.schedules, settings.evals.time_zone, clock.now())
    serve_metrics(
        metrics.registry, settings.evals.metrics_port, settings.metrics_host, "AFTERTUNE_EVALS__METRICS_PORT"
    )
    with (
        closing(Store(settings.database_url)) as store,
        _executor(settings.evals) as executor,
    ):
        # The metrics port makes this the only room of its host and address, hence the holder's name.
        holder = f"{socket.gethostname()}:{settings.evals.metrics_port}"
        lease = Lease(store, clock, LEASE, holder, LEASE_S)
        runner = Runner(
            store,
            clock,
            suites,
            Judges(settings, clock),
            metrics,
            executor,
            limits=_limits(settings.evals),
            lease=lease,
            stop=stop,
        )
        room = Room(store, clock, suites, runner, slots, lease, metrics, stop)
        log.info("Offering %s.", ", ".join(suites))
        repeat("evals", room.step, settings.evals.tick_s, stop)


@contextmanager
def _executor(settings: EvalsSettings) -> Iterator[Executor]:
    if settings.executor is ExecutorKind.LOCAL:
        yield LocalExecutor()
        return
    with closing(RayExecutor(settings.ray_workers, settings.ray_address)) as ray:
        yield ray


def _limits(settings: EvalsSettings) -> Limits:
    return Limits(
        settings.concurrency,
        settings.timeout_s,
        Retries(tries=settings.tries, within_s=settings.retry_within_s),
        Budget(settings.requests_per_s, settings.tokens_per_minute),
        settings.run_timeout_s,
    )


def _secrets(settings: Settings) -> tuple[str, ...]:
    return tuple(judge.key.get_secret_value() for judge in settings.evals.judges if judge.key)


if __name__ == "__main__":
    sys.exit(run_until_told("evals", run, _secrets))
