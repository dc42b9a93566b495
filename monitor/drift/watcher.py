"""The drift loop's step: what waits is embedded, observed and recorded.

Embeddings, the detectors' state, the reading and the audit entry are one transaction: a crash at any point repeats the
embedding, never an observation. No lock is held while the encoder works.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from aftertune.clock import Clock
from aftertune.errors import Corrupt, Unavailable
from aftertune.settings.sections import DriftSettings
from aftertune.store import Store, Transaction
from aftertune.store.drift import Embedded
from aftertune.values.deployment import Deployment
from aftertune.values.drift import DriftCause, DriftReading, DriftState
from aftertune.values.exchange import CapturePolicy, Exchange
from monitor.drift.chart import KINDS
from monitor.drift.encoder import Encoder
from monitor.drift.opening import Opening, PassedOver
from monitor.drift.readings import is_due, not_measured, reading
from monitor.drift.reference import Vector
from monitor.drift.sift import Sifted, sift
from monitor.drift.watch import Observation, Watch
from monitor.metrics import Metrics

ACTOR = "drift"
PAGE = 200
"""Exchanges read at one look."""
LOOK_BACK = timedelta(days=1)
"""How far back a new process looks for what it has not seen."""
LATE = timedelta(minutes=2)
"""How much later than its neighbours an exchange may come out of the spool."""

log = logging.getLogger(__name__)


class _Found(NamedTuple):
    """One opening with its vectors."""

    exchange: Exchange
    opening: Opening
    prompt: Vector
    answer: Vector | None


class _Kept(NamedTuple):
    """A watch as it was committed, to be used again while the database still has that state."""

    state: bytes
    watch: Watch


class DriftWatcher:
    def __init__(
        self, store: Store, clock: Clock, encoder: Encoder, settings: DriftSettings, metrics: Metrics
    ) -> None:
        self._store = store
        self._clock = clock
        self._encoder = encoder
        self._settings = settings
        self._metrics = metrics.drift
        self._kept: dict[str, _Kept] = {}
        self._shown: dict[str, Watch | None] = {}
        self._since: dict[str, datetime] = {}

    def tick(self) -> None:
        """Raises Unavailable when the database is away; an encoder that is away is a reading."""
        with self._store.read() as tx:
            deployments = tx.deployments.all()
        for deployment in deployments:
            try:
                self._look(deployment)
            except Corrupt as error:
                self._tell(deployment.name, None, str(error))

    def _look(self, deployment: Deployment) -> None:
        name = deployment.name
        since = self._since.get(name, self._clock.now() - LOOK_BACK)
        with self._store.read() as tx:
            known = self._load(tx, name)
            if deployment.capture is CapturePolicy.FULL:
                waiting = tx.drift.waiting(name, since, PAGE)
                backlog = tx.drift.backlog(name, since) if len(waiting) == PAGE else len(waiting)
        if deployment.capture is not CapturePolicy.FULL:
            self._tell(
                name, known, f"The capture policy is {deployment.capture}: no text is kept to compare."
            )
            return
        if not waiting:
            if name not in self._shown or self._shown[name] is not known:
                self._tell(name, known)
            return
        self._since[name] = max(since, waiting[0][0].arrival - LATE)
        sifted = sift(waiting, backlog)
        try:
            found, encoder = self._embed(sifted)
        except Unavailable as error:
            self._tell(name, known, str(error))
            return
        fault = self._record(name, sifted, found, encoder)
        if fault:
            self._tell(name, known, fault)

    def _load(self, tx: Transaction, name: str) -> Watch | None:
        """The stored watch; the one in memory while nobody has changed it. Raises Corrupt."""
        state, kept = tx.drift.watch(name), self._kept.get(name)
        if kept is not None and kept.state == state:
            return kept.watch
        saved = tx.drift.saved_watch(name)
        if saved is None:
            self._kept.pop(name, None)
            return None
        watch = Watch.restored(saved.state, saved.reference)
        self._kept[name] = _Kept(saved.state, watch)
        return watch

    def _embed(self, sifted: Sifted) -> tuple[list[_Found], str]:
        """The openings with their vectors, and which encoder made them. Raises Unavailable."""
        if not sifted.openings:
            return [], ""
        read = [opening for _, opening in sifted.openings]
        texts = list(
            dict.fromkeys(text for opening in read for text in (opening.prompt, opening.answer) if text)
        )
        identity = self._encoder.identity()
        vectors = self._encoder.embed(texts)
        of = dict(zip(texts, vectors, strict=True))
        found = [
            _Found(exchange, opening, of[opening.prompt], of.get(opening.answer))
            for exchange, opening in sifted.openings
        ]
        return found, f"{identity}, {vectors.shape[1]} dimensions"

    def _record(self, name: str, sifted: Sifted, found: Sequence[_Found], encoder: str) -> str:
        """One transaction for all that was found; returns why it could not be used, or nothing."""
        with self._store.write() as tx:
            stable = tx.deployments.get(name).stable
            watch = self._load(tx, name)
            if watch is None and found:
                watch = Watch(self._settings.reference, encoder, stable)
            if watch is not None and found and watch.encoder != encoder:
                return (
                    f"The reference was made by {watch.encoder}, but the encoder now is {encoder}. "
                    "Bring the first one back, or relearn."
                )
            # From here on the watch changes: until this is committed, the stored one is the truth.
            self._kept.pop(name, None)
            for exchange, _ in sifted.passed:
                tx.drift.add(_embedded(exchange, "", None, None))
            state, repeated = b"", 0
            if watch is not None:
                before = (watch.progress, watch.state)
                repeated = self._observe(tx, watch, stable, found)
                state = _save(tx, name, watch, before[0])
            now = self._reading(name, stable, watch)
            if watch is not None and now.state is DriftState.ALARM and before[1] is not DriftState.ALARM:
                _report_alarm(tx, now)
            if is_due(tx.drift.reading(name), now):
                tx.drift.add_reading(now)
        if watch is not None:
            self._kept[name] = _Kept(state, watch)
        self._count(name, sifted, repeated)
        self._show(now, watch, measured=True)
        return ""

    def _observe(self, tx: Transaction, watch: Watch, stable: str, found: Sequence[_Found]) -> int:
        """How many of them belonged to conversations that were counted before."""
        watch.follow(stable)
        repeated = 0
        for each in found:
            tx.drift.add(_embedded(each.exchange, watch.encoder, each.prompt, each.answer))
            counted = watch.observe(_observation(each), self._settings.run_length)
            repeated += not counted and watch.alarm is None
        return repeated

    def _count(self, name: str, sifted: Sifted, repeated: int) -> None:
        passed = self._metrics.passed_over
        for _, reason in sifted.passed:
            passed.labels(deployment=name, reason=reason).inc()
        passed.labels(deployment=name, reason=PassedOver.LATER_TURN).inc(repeated)

    def _tell(self, name: str, watch: Watch | None, reason: str = "") -> None:
        """Nothing was observed: say so where that is news."""
        with self._store.read() as tx:
            now = self._reading(name, tx.deployments.get(name).stable, watch)
            if reason:
                now = not_measured(now, reason)
            news = is_due(tx.drift.reading(name), now)
        if news:
            with self._store.write() as tx:
                tx.drift.add_reading(now)
            if reason:
                log.warning("Drift of %s is not measured: %s", name, reason)
        self._show(now, watch, measured=not reason)

    def _reading(self, name: str, stable: str, watch: Watch | None) -> DriftReading:
        reference, length = self._settings.reference, self._settings.run_length
        return reading(name, stable, self._clock.now(), watch, reference=reference, run_length=length)

    def _show(self, now: DriftReading, watch: Watch | None, *, measured: bool) -> None:
        name, metrics = now.deployment, self._metrics
        self._shown[name] = watch
        metrics.measured.labels(deployment=name).set(measured)
        metrics.observations.labels(deployment=name).set(now.observations)
        for cause in (DriftCause.USERS_CHANGED, DriftCause.MODEL_CHANGED):
            metrics.alarm.labels(deployment=name, cause=cause).set(now.cause is cause)
        for chart in KINDS:
            gauges = (metrics.statistic, metrics.threshold)
            shown = next((each for each in now.charts if each.name == chart), None)
            for gauge in gauges:
                gauge.remove(name, chart)
            if shown is not None:
                for gauge, value in zip(gauges, (shown.statistic, shown.threshold), strict=True):
                    gauge.labels(deployment=name, chart=chart).set(value)


def _observation(found: _Found) -> Observation:
    opening = found.opening
    return Observation(opening.exchange_id, opening.conversation, found.prompt, found.answer, opening.release)


def _save(tx: Transaction, name: str, watch: Watch, before: tuple[str, int, int]) -> bytes:
    """The reference is written only when it grew: it is a hundred times the rest."""
    changed = watch.progress != before or tx.drift.watch(name) is None
    state = watch.saved_state()
    tx.drift.save_watch(name, state, watch.saved_reference() if changed else None)
    return state


def _embedded(exchange: Exchange, encoder: str, prompt: Vector | None, answer: Vector | None) -> Embedded:
    return Embedded(
        exchange.exchange_id,
        exchange.deployment,
        exchange.release,
        exchange.arrival,
        encoder,
        _half(prompt),
        _half(answer),
    )


def _half(vector: Vector | None) -> bytes:
    return b"" if vector is None else vector.astype("<f2").tobytes()


def _report_alarm(tx: Transaction, now: DriftReading) -> None:
    body = now.model_dump(mode="json", exclude={"deployment", "at", "state"})
    tx.audit.append(now.at, ACTOR, "drift_alarm", now.deployment, body)
    log.warning("Drift alarm of %s, %s: %s", now.deployment, now.cause, now.reason)
