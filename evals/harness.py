"""Puts a suite's samples to one or two releases and stores every answer. What is stored is never asked again."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack

from aftertune.lease import Lease
from aftertune.store import Store
from aftertune.values.evaluation import EvaluationRun, SampleResult
from evals.answering import Asker, Stopped
from evals.engines import EngineOf
from evals.sample import Sample

MOST_UNMEASURED = 0.05
"""Share of samples: with more of them unmeasured a run measures nothing."""

SAVE_EVERY = 10
LOOK_S = 1.0
"""Seconds at most between two looks at the lease."""

Question = tuple[Sample, str]
"""A sample and the release it is put to."""


class Harness:
    """`lease` is looked at often: without it, another process has taken over."""

    def __init__(
        self,
        store: Store,
        engine_of: EngineOf,
        concurrency: int,
        lease: Lease,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._engine_of = engine_of
        self._concurrency = concurrency
        self._lease = lease
        self._stop = stop

    def measure(self, run: EvaluationRun, releases: Sequence[str], asker: Asker) -> list[SampleResult]:
        """Every result of the run. It ends early once too much is unmeasured. Raises Stopped, Unavailable.

        The first release is the one under test. Both get a sample one after the other, so that they are compared
        under the same load.
        """
        with self._store.read() as tx:
            known = tx.evaluations.results(run.id)
        answered = {(result.release, result.sample) for result in known}
        todo = [
            (sample, release)
            for sample in asker.suite.samples
            for release in releases
            if (release, sample.id) not in answered
        ]
        progress = _Progress(len(asker.suite.samples), known)
        with ExitStack() as stack:
            pools = {release: ThreadPoolExecutor(self._concurrency, f"ask-{release}") for release in releases}
            for pool in pools.values():
                stack.callback(pool.shutdown, cancel_futures=True)

            def submit(question: Question) -> Future[SampleResult]:
                sample, release = question
                judged = release == releases[0]
                return pools[release].submit(
                    asker.ask, run.id, sample, release, self._engine_of(release), judged=judged
                )

            for result in self._answers(todo, submit, len(releases) * self._concurrency):
                progress.add(result)
                self._keep(run, result, progress)
                if progress.hopeless:
                    break
        self._check()  # Leaving may have taken as long as an answer.
        return progress.results

    def _answers(
        self, todo: Sequence[Question], submit: Callable[[Question], Future[SampleResult]], most: int
    ) -> Iterator[SampleResult]:
        """As they come, with at most `most` under way."""
        waiting, under_way = iter(todo), set[Future[SampleResult]]()
        while True:
            for question in waiting:
                under_way.add(submit(question))
                if len(under_way) >= most:
                    break
            if not under_way:
                return
            self._check()
            done, under_way = wait(under_way, LOOK_S, FIRST_COMPLETED)
            for future in done:
                yield future.result()

    def _check(self) -> None:
        if self._stop.is_set() or not self._lease.take():
            raise Stopped

    def _keep(self, run: EvaluationRun, result: SampleResult, progress: "_Progress") -> None:
        with self._store.write() as tx:
            tx.evaluations.add_result(result)
            if len(progress.results) % SAVE_EVERY == 0:
                tx.evaluations.save(run.model_copy(update={"done": progress.done}))


class _Progress:
    def __init__(self, samples: int, results: Sequence[SampleResult]) -> None:
        self.results = list(results)
        self._samples = samples

    def add(self, result: SampleResult) -> None:
        self.results.append(result)

    @property
    def done(self) -> int:
        """Samples that every release has answered."""
        releases = {result.release for result in self.results}
        return min((sum(r.release == release for r in self.results) for release in releases), default=0)

    @property
    def hopeless(self) -> bool:
        unmeasured = {result.sample for result in self.results if is_unanswered(result)}
        return len(unmeasured) > MOST_UNMEASURED * self._samples


def is_unanswered(result: SampleResult) -> bool:
    """No metric of it was measured."""
    return all(score is None for score in result.scores.values())
