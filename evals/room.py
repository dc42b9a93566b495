"""The room's loop: what is due is opened, what is open is measured. Everything is read from the store at each look."""

import logging
import threading
from collections.abc import Mapping

from aftertune.clock import Clock
from aftertune.lease import Lease
from aftertune.store import Store
from evals.harness.harness import Stopped
from evals.harness.runner import Runner
from evals.reviews.questions import questions
from evals.suite.suite import Suite
from evals.telemetry import Metrics
from evals.timetable import Timetable
from evals.triggers import last_settled, open_due, open_slot

LEASE = "evals"
LEASE_S = 60.0
"""Longer than a hung engine keeps one look of the harness waiting."""

SHOWN = 200
"""Runs of the past whose scores the gauges show after a start."""

log = logging.getLogger(__name__)


class Room:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        suites: Mapping[str, Suite],
        runner: Runner,
        timetable: Timetable,
        lease: Lease,
        metrics: Metrics,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._clock = clock
        self._suites = suites
        self._runner = runner
        self._timetable = timetable
        self._lease = lease
        self._metrics = metrics
        self._stop = stop
        self._introduced = False

    def step(self) -> None:
        """One look. Raises Unavailable when the database is away."""
        if not self._lease.take():
            return
        if not self._introduced:
            self._introduce()
        self._open_what_is_due()
        try:
            while not self._stop.is_set() and self._work():
                self._open_what_is_due()
        except Stopped:
            return
        self._metrics.last_success.labels(job="evals").set(self._clock.now().timestamp())

    def _introduce(self) -> None:
        """Offers the suites, keeps their questions for people who review answers, shows the scores of before."""
        with self._store.write() as tx:
            tx.evaluations.save_suites([suite.as_offered() for suite in self._suites.values()])
            for suite in self._suites.values():
                tx.questions.save(suite.dataset, questions(suite))
            past = tx.evaluations.latest(limit=SHOWN)
        for run in reversed(past):
            self._metrics.show(run)
        self._introduced = True

    def _open_what_is_due(self) -> None:
        holder, now = self._lease.holder, self._clock.now()
        opened = open_due(self._store, holder, now)
        with self._store.read() as tx:
            settled = {job.name: at for job in self._timetable.jobs if (at := last_settled(tx, job.name))}
        for slot in self._timetable.due(now, settled):
            opened += open_slot(self._store, slot, holder, now)
        for run in opened:
            log.info("Opened run %s: %s on %s (%s).", run.id, run.suite, run.release, run.trigger)

    def _work(self) -> bool:
        """The oldest run that can be measured now; False when there is none."""
        with self._store.read() as tx:
            runs = tx.evaluations.open()
        return any(self._runner.work(run) for run in runs)
