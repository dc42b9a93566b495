"""One run from queued to its end. Killed at any moment it is resumed: every answer is stored as it comes."""

import asyncio
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aftertune.clock import Clock
from aftertune.errors import BadInput, Corrupt, Unavailable
from aftertune.lease import Lease
from aftertune.store import Store
from aftertune.values.evaluation import EvaluationRun, RunState
from evals.conclusion.conclude import conclude
from evals.conclusion.unmeasured import is_unanswered
from evals.executor import Executor
from evals.harness.cache import may_be_cached
from evals.harness.harness import Harness, Limits, Stopped
from evals.harness.keeping import Plan
from evals.harness.progress import Tally
from evals.harness.signature import signature
from evals.harness.subject import Subject, find_subject
from evals.judges import Judges
from evals.nights import Nights
from evals.suite.suite import Suite
from evals.telemetry import Metrics
from evals.watched import watched

ENGINE_WAIT_S = 600.0
"""How long a run waits for its engines, from the first look that missed one; a restart begins anew."""

log = logging.getLogger(__name__)


class Runner:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        suites: Mapping[str, Suite],
        judges: Judges,
        metrics: Metrics,
        executor: Executor,
        *,
        limits: Limits,
        lease: Lease,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._clock = clock
        self._suites = suites
        self._nights = Nights()
        self._judges = judges
        self._metrics = metrics
        self._harness = Harness(store, clock, executor, limits, lease, stop)
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
                asyncio.run(self._measure(started, subject))
        return True

    @contextmanager
    def _contained(self, run: EvaluationRun) -> Iterator[None]:
        """A fault of ours in one run ends that run, so that it does not stand in the way of the others."""
        try:
            yield
        except (Stopped, Unavailable, Corrupt):
            raise
        except BadInput as error:
            self._end(run, RunState.ERROR, str(error))
        except Exception as error:
            log.exception("Run %s cannot be measured.", run.id)
            self._end(run, RunState.ERROR, f"Measuring it failed: {type(error).__name__}: {error}.")

    def _start(self, run: EvaluationRun, subject: Subject) -> EvaluationRun | None:
        """None when what is measured changed while the run was interrupted: its answers would not belong together."""
        signed = signature(subject, self._judges.described(subject.suite))
        if run.signature is not None and run.signature != signed:
            changed = ", ".join(run.signature.differing(signed))
            self._end(
                run,
                RunState.ERROR,
                f"While the run was interrupted, this changed: {changed}. Run the suite again.",
            )
            return None
        suite = subject.suite
        started = run.model_copy(
            update={
                "state": RunState.RUNNING,
                "started_at": run.started_at or self._clock.now(),
                "samples": len(suite.samples),
                "attempts": run.attempts + 1,
                "signature": signed,
                "forecast": suite.forecast(len(subject.releases)),
            }
        )
        with self._store.write() as tx:
            tx.evaluations.save(started)
        log.info("Run %s: %s on %s, attempt %d.", run.id, run.suite, run.release, started.attempts)
        return started

    async def _measure(self, run: EvaluationRun, subject: Subject) -> None:
        async with self._judges.seated(subject.suite) as judging:
            plan = Plan(run, subject.suite, subject.releases, _cached(run, subject), judging)
            tally = await self._harness.measure(plan)
        await asyncio.to_thread(self._conclude, subject, tally)

    def _conclude(self, subject: Subject, tally: Tally) -> None:
        run, results = tally.as_run(), tally.results
        concluded = conclude(subject.suite, run.release, subject.roles, results)
        for result in results:
            outcome = "unmeasured" if is_unanswered(result) else "measured"
            self._metrics.samples.labels(suite=run.suite, outcome=outcome).inc()
        self._end(
            run.model_copy(
                update={
                    "scores": concluded.scores,
                    "differences": concluded.differences,
                    "gates": concluded.gates,
                    "budgets": concluded.budgets,
                    "unmeasured": concluded.unmeasured,
                }
            ),
            concluded.state,
            concluded.reason,
        )

    def _end(self, run: EvaluationRun, state: RunState, reason: str) -> None:
        self._missed.pop(run.id, None)
        ended = run.model_copy(update={"state": state, "reason": reason, "ended_at": self._clock.now()})
        with self._store.read() as tx:
            ended = ended.model_copy(update={"watch": watched(tx, self._suites, ended, self._nights)})
        with self._store.write() as tx:
            tx.evaluations.save(ended)
        self._metrics.ended(ended)
        log.info("Run %s: %s. %s", run.id, state, reason)


def _cached(run: EvaluationRun, subject: Subject) -> dict[str, str]:
    """Release → answering digest, where an earlier run's answers may stand for new ones."""
    if run.fresh or run.signature is None:
        return {}
    ask = subject.suite.card.ask
    return {
        each.release.id: run.signature.answering[each.release.id]
        for each in subject.served
        if may_be_cached(ask, each.engine)
    }
