"""`python -m reports`: builds the reports that are asked for, and asks for the weekly one itself."""

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import closing

from aftertune.clock import Clock, SystemClock
from aftertune.loop import repeat
from aftertune.program import run_until_told
from aftertune.settings import Settings
from aftertune.store import Store
from aftertune.telemetry import serve_metrics
from reports.builder import Builder
from reports.child import BuildProcess
from reports.metrics import Metrics
from reports.weekly import Weekly

WEEKLY_S = 60.0
"""Seconds between two looks at the schedule."""

log = logging.getLogger("reports")


def run(settings: Settings, stop: threading.Event) -> None:
    """Until `stop` is set. Raises BadInput when it cannot start."""
    clock, metrics = SystemClock(), Metrics()
    holder = f"{socket.gethostname()}:{os.getpid()}"
    reports = settings.reports
    with closing(Store(settings.database_url)) as store:
        weekly = Weekly(store, clock, reports.weekly, settings.evals.time_zone, holder)
        builder = Builder(store, clock, metrics, BuildProcess, holder, reports.timeout_s, stop)
        serve_metrics(
            metrics.registry, reports.metrics_port, settings.metrics_host, "AFTERTUNE_REPORTS__METRICS_PORT"
        )
        log.info("Building reports; the weekly one is due at %r.", reports.weekly)
        repeat("reports", _steps(weekly, builder, metrics, clock), reports.tick_s, stop)


def _steps(weekly: Weekly, builder: Builder, metrics: Metrics, clock: Clock) -> Callable[[], bool]:
    looked: float | None = None

    def step() -> bool:
        nonlocal looked
        if looked is None or clock.monotonic() - looked >= WEEKLY_S:
            weekly.step()
            looked = clock.monotonic()
        busy = builder.step()
        metrics.last_success.labels(job="reports").set_to_current_time()
        return busy

    return step


if __name__ == "__main__":
    sys.exit(run_until_told("reports", run))
