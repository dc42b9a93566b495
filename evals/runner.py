"""One run from queued to its end. Killed at any moment it is resumed: every answer is stored as it comes."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aftertune.clock import Clock
from aftertune.errors import BadInput, Corrupt, Unavailable
from aftertune.lease import Lease
from aftertune.store import Store
from aftertune.values.evaluation import EvaluationRun, RunState
from evals.answering import Asker, Stopped
from evals.breaker import Breaker
from evals.conclude import conclude
from evals.engines import EngineOf
from evals.harness import Harness, is_unanswered
from evals.judge_model import Judge
from evals.metrics import Metrics
from evals.signature import signature
from evals.subject import Subject, find_subject
from evals.suite import Suite

ENGINE_WAIT_S = 600.0
"""How long a run waits for its engines, from the first look that missed one; a restart begins anew."""

log = logging.getLogger(__name__)


class Runner:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        suites: Mapping[str, Suite],
        judge: Judge,
        metrics: Metrics,
        engine_of: EngineOf,
        *,
        concurrency: int,
        lease: Lease,
        stop: threading.Event,
        backoff_s: tuple[float, ...] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._suites = suites
        self._judge = judge
        self._metrics = metrics
        self._harness = Harness(store, engine_of, concurrency, lease, stop)
        self._stop = stop
        self._backoff = {} if backoff_s is None else {"backoff_s": backoff_s}
        self._missed: dict[str, float] = {}

    def work(self, run: EvaluationRun) -> bool:
        """False when it must wait for an engine. Raises Stopped, and Unavailable when the database is away."""
        with self._contained(run):
            return self._advance(run)
        return True

    def _advance(self, run: EvaluationRun) -> bool:
        try:
            with self._store.read() as tx:
                subject = find_subject(tx, self._suites, run)
        except BadInput as error:
            self._end(run, RunState.ERROR, str(error))
            return True
        except Unavailable as error:
            missed = self._missed.setdefault(run.id, self._clock.monotonic())
            if self._clock.monotonic() - missed < ENGINE_WAIT_S:
                return False
            self._end(
                run,
                RunState.ERROR,
                f"{error} The run waited {ENGINE_WAIT_S:g} s for it. Run the suite again.",
            )
            return True
        self._missed.pop(run.id, None)
        started = self._start(run, subject)
        if started is not None:
            with self._contained(started):
                self._measure(started, subject)
        return True

    @contextmanager
    def _contained(self, run: EvaluationRun) -> Iterator[None]:
        """A fault of ours in one run ends that run, so that it does not stand in the way of the others."""
        try:
            yield
        except (Stopped, Unavailable, Corrupt):
            raise
        except Exception as error:
            log.exception("Run %s cannot be measured.", run.id)
            self._end(run, RunState.ERROR, f"Measuring it failed: {type(error).__name__}: {error}.")

    def _start(self, run: EvaluationRun, subject: Subject) -> EvaluationRun | None:
        """None when what is measured changed while the run was interrupted: its answers would not belong together."""
        signed = signature(subject.suite, subject.release, subject.engine, subject.base, self._judge)
        if run.signature is not None and run.signature != signed:
            changed = [name for name, value in signed if getattr(run.signature, name) != value]
            self._end(
                run,
                RunState.ERROR,
                f"While the run was interrupted, this changed: {', '.join(changed)}. Run the suite again.",
            )
            return None
        started = run.model_copy(
            update={
                "state": RunState.RUNNING,
                "started_at": run.started_at or self._clock.now(),
                "samples": len(subject.suite.samples),
                "attempts": run.attempts + 1,
                "signature": signed,
            }
        )
        with self._store.write() as tx:
            tx.evaluations.save(started)
        log.info("Run %s: %s on %s, attempt %d.", run.id, run.suite, run.release, started.attempts)
        return started

    def _measure(self, run: EvaluationRun, subject: Subject) -> None:
        asker = Asker(subject.suite, Breaker(self._judge), self._clock, self._stop, **self._backoff)
        results = self._harness.measure(run, subject.releases, asker)
        baseline = subject.base[0].id if subject.base else ""
        concluded = conclude(subject.suite, run.release, baseline, results)
        for result in results:
            outcome = "unmeasured" if is_unanswered(result) else "measured"
            self._metrics.samples.labels(suite=run.suite, outcome=outcome).inc()
        self._end(
            run.model_copy(
                update={
                    "done": min(sum(r.release == name for r in results) for name in subject.releases),
                    "scores": concluded.scores,
                    "differences": concluded.differences,
                    "gates": concluded.gates,
                }
            ),
            concluded.state,
            concluded.reason,
        )

    def _end(self, run: EvaluationRun, state: RunState, reason: str) -> None:
        self._missed.pop(run.id, None)
        ended = run.model_copy(update={"state": state, "reason": reason, "ended_at": self._clock.now()})
        with self._store.write() as tx:
            tx.evaluations.save(ended)
        self._metrics.ended(ended)
        log.info("Run %s: %s. %s", run.id, state, reason)
