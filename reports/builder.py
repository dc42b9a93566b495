"""Takes requested reports, one at a time, and sees to it that each ends ready or failed."""

import logging
import signal
import threading
from datetime import timedelta

from aftertune.clock import Clock
from aftertune.errors import Unavailable
from aftertune.store import Store, Transaction
from aftertune.values.report import Report, ReportState
from reports.child import Child, Spawn
from reports.metrics import Metrics

ACTOR = "reports"
LEASE, LEASE_S = "reports", 10.0
POLL_S = 0.2
KILLED = "memory ran out, or somebody killed it"

log = logging.getLogger(__name__)


class Builder:
    """One room holds the lease; others look on. A report left in building by a killed room is built again."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        spawn: Spawn,
        holder: str,
        timeout_s: float,
        stop: threading.Event,
    ) -> None:
        self._store, self._clock, self._metrics = store, clock, metrics
        self._spawn, self._holder, self._timeout_s, self._stop = spawn, holder, timeout_s, stop

    def step(self) -> bool:
        """Build the oldest report that waits; False when there is none, or another room is at it."""
        report = self._take()
        if report is None:
            return False
        log.info("Building report %s of %s.", report.id, report.week)
        child = self._spawn(report.id)
        failure = self._follow(child)
        if self._stop.is_set() and failure is not None:
            return False
        self._end(report.id, failure)
        return True

    def _take(self) -> Report | None:
        with self._store.read() as tx:
            if not tx.reports.unfinished():
                return None
        with self._store.write() as tx:
            waiting = tx.reports.unfinished()
            if not waiting or not self._hold(tx):
                return None
            taken = waiting[0].model_copy(update={"state": ReportState.BUILDING})
            tx.reports.save(taken)
            return taken

    def _follow(self, child: Child) -> str | None:
        """Until it ends, its time is over or the room stops; why it failed, or None."""
        deadline = self._clock.monotonic() + self._timeout_s
        renewed = self._clock.monotonic()
        while (code := child.wait(POLL_S)) is None:
            now = self._clock.monotonic()
            if self._stop.is_set():
                child.kill()
                return "The room was stopped."
            if now >= deadline:
                child.kill()
                return f"The build took longer than {self._timeout_s:g} s and was ended."
            if now - renewed > LEASE_S / 3:
                self._renew()
                renewed = now
        words = child.last_words()
        if code == 0:
            return None
        if code < 0:
            return f"The build was killed by {signal.Signals(-code).name}: {KILLED}."
        return words

    def _end(self, report: str, failure: str | None) -> None:
        """The build itself writes that it is ready; that it is not, is written here."""
        with self._store.write() as tx:
            found = tx.reports.get(report)
            if found.state is ReportState.BUILDING:
                reason = failure or "The build ended without a report."
                now = self._clock.now()
                changes = {"state": ReportState.FAILED, "reason": reason, "finished_at": now}
                tx.reports.save(found.model_copy(update=changes))
                tx.audit.append(now, ACTOR, "report_failed", report, {"week": found.week, "reason": reason})
        ready = found.state is ReportState.READY
        self._metrics.reports.labels(outcome="ready" if ready else "failed").inc()
        if ready:
            self._metrics.last_success.labels(job="report").set(self._clock.now().timestamp())
        else:
            log.warning("Report %s failed: %s", report, failure)

    def _renew(self) -> None:
        try:
            with self._store.write() as tx:
                self._hold(tx)
        except Unavailable as error:
            log.warning("The lease was not renewed, the next try may succeed: %s", error)

    def _hold(self, tx: Transaction) -> bool:
        now = self._clock.now()
        return tx.leases.acquire(LEASE, self._holder, now, now + timedelta(seconds=LEASE_S))
