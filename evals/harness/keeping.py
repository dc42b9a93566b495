"""From answers to stored results: judged, scored and written in batches, in a thread, while the next ones are asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from aftertune.store import Store
from aftertune.values.evaluation import Answer, EvaluationRun, Judgement, SampleResult
from evals.harness.answering import Answered
from evals.harness.progress import Tally
from evals.harness.scored import sample_result
from evals.suite.sample import Sample
from evals.suite.suite import Suite

Judging = Callable[[Sample, tuple[Answer, ...]], Awaitable[tuple[Judgement, ...]]]
"""What judges say of a sample's answers; it never raises."""


class Plan(NamedTuple):
    """What a run asks whom. `releases`: the one under test first. `cached`: release → answering digest, if it may be."""

    run: EvaluationRun
    suite: Suite
    releases: Sequence[str]
    cached: Mapping[str, str] = {}
    judging: Judging | None = None


class Keeping:
    """At most `ahead` answers are taken and not yet stored: a kill loses no more than these and what is being asked."""

    def __init__(self, store: Store, plan: Plan, tally: Tally, ahead: int) -> None:
        self._store = store
        self._plan = plan
        self._tally = tally
        self._samples = {sample.id: sample for sample in plan.suite.samples}
        self._places = asyncio.Semaphore(ahead)
        self._scored: list[SampleResult] = []
        self._wake = asyncio.Event()
        self._ended = False

    async def place(self) -> None:
        """Returns when one more answer may be taken."""
        await self._places.acquire()

    async def finish(self, answered: Answered) -> None:
        """Takes the place that was waited for; it is free again once the result is stored."""
        sample, judging = self._samples[answered.sample], self._plan.judging
        heard = await judging(sample, answered.answers) if judging and answered.answers else ()
        result = sample_result(
            self._plan.suite,
            self._plan.run.id,
            answered.release,
            sample,
            answered.answers,
            heard,
            error=answered.error,
            latency_s=answered.latency_s,
        )
        self._tally.add(answered, result)
        self._scored.append(result)
        self._wake.set()

    def end(self) -> None:
        """Nothing more comes: `write` returns when everything is stored."""
        self._ended = True
        self._wake.set()

    async def write(self) -> None:
        while self._scored or not self._ended:
            await self._wake.wait()
            self._wake.clear()
            if batch := tuple(self._scored):
                run = self._tally.as_run()
                await asyncio.to_thread(self._store_results, batch, run)
                del self._scored[: len(batch)]
                for _ in batch:
                    self._places.release()

    def flush(self) -> None:
        """Stores what was scored before the run was left. A batch that was just being written is written twice, as one."""
        if self._scored:
            self._store_results(tuple(self._scored), None)

    def _store_results(self, batch: Sequence[SampleResult], run: EvaluationRun | None) -> None:
        with self._store.write() as tx:
            tx.evaluations.add_results(batch)
            if run is not None:
                tx.evaluations.save(run)
