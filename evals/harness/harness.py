"""Puts a suite's samples to the releases of a run and stores every answer. What is stored is never asked again.

Ask → judge → score → store: asking may be anywhere (the executor), the rest stays with the room, which alone has the
judge's credentials and the database. A result counts as kept once it is in the database; a kill loses what is not.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from aftertune.clock import Clock
from aftertune.errors import BadInput
from aftertune.lease import Lease
from aftertune.store import Store
from aftertune.values.evaluation import SampleResult
from evals.engine.addresses import Addresses, StoredAddresses
from evals.engine.pacing import Budget
from evals.engine.patience import Retries
from evals.executor import Executor
from evals.harness.answering import Answered, Unit, units_of
from evals.harness.asked import Asking
from evals.harness.cache import earlier_answers, from_cache
from evals.harness.keeping import Keeping, Plan
from evals.harness.progress import Tally

LOOK_S = 1.0
"""Seconds at most between two looks at the lease."""

STOP_S = 0.05
"""Seconds at most until a stop is noticed."""

AHEAD = 2
"""Units begun for each place at an engine: the next ones stand ready while the last ones are stored."""


class Stopped(Exception):
    """The room ends, or somebody else holds its lease: the run is resumed later."""


class TookTooLong(BadInput):
    title = "The run took too long"


class Limits(NamedTuple):
    """`concurrency`: questions under way at once, each release. `run_s`: of a whole attempt."""

    concurrency: int
    timeout_s: float
    retries: Retries = Retries()
    budget: Budget = Budget()
    run_s: float = 6 * 3600.0


class Harness:
    """`lease` is looked at often: without it, another process has taken over."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        executor: Executor,
        limits: Limits,
        lease: Lease,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._clock = clock
        self._executor = executor
        self._limits = limits
        self._lease = lease
        self._stop = stop

    async def measure(self, plan: Plan) -> Tally:
        """Every result of the run. It ends early once too much is unmeasured. Raises Stopped, Unavailable, TookTooLong."""
        known = await asyncio.to_thread(self._known, plan)
        tally = Tally(plan.run, len(plan.suite.samples), plan.releases, known, self._clock)
        units = units_of(plan.suite, plan.releases, [(r.release, r.sample) for r in known])
        earlier = await asyncio.to_thread(self._earlier, plan) if plan.cached and units else {}
        cached, left = from_cache(units, plan.cached, earlier)
        work = asyncio.ensure_future(self._work(plan, tally, cached, left))
        watch = asyncio.ensure_future(self._watch())
        try:
            async with asyncio.timeout(self._limits.run_s):
                await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise TookTooLong(
                f"The run took longer than {self._limits.run_s:g} s.", "Raise AFTERTUNE_EVALS__RUN_TIMEOUT_S."
            ) from None
        finally:
            for task in (work, watch):
                task.cancel()
            ended, _ = await asyncio.gather(work, watch, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended
        if ended is not None or not await asyncio.to_thread(self._may_go_on):
            raise Stopped
        return tally

    async def _work(self, plan: Plan, tally: Tally, cached: Sequence[Answered], left: Sequence[Unit]) -> None:
        keeping = Keeping(self._store, plan, tally, self._ahead(plan))
        try:
            async with asyncio.TaskGroup() as group, aclosing(self._answers(plan, cached, left)) as answers:
                group.create_task(keeping.write())
                async with asyncio.TaskGroup() as judging:
                    async for answered in answers:
                        await keeping.place()
                        judging.create_task(keeping.finish(answered))
                        if tally.hopeless:
                            break
                keeping.end()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            await asyncio.to_thread(keeping.flush)

    async def _answers(
        self, plan: Plan, cached: Sequence[Answered], left: Sequence[Unit]
    ) -> AsyncGenerator[Answered, None]:
        for answered in cached:
            yield answered
        if not left:
            return
        limits = self._limits
        asking = Asking(
            await self._addresses(plan.releases),
            limits.concurrency,
            limits.timeout_s,
            limits.retries,
            limits.budget,
            self._clock,
        )
        async with aclosing(self._executor.map(asking, left, self._ahead(plan))) as answers:
            async for answered in answers:
                yield answered

    def _ahead(self, plan: Plan) -> int:
        return AHEAD * self._limits.concurrency * len(plan.releases)

    async def _addresses(self, releases: Sequence[str]) -> Addresses:
        """Other processes have no database: they are told where the engines are now."""
        stored = StoredAddresses(self._store, self._clock)
        return stored if self._executor.workers == 1 else await stored.fixed(releases)

    async def _watch(self) -> None:
        """Ends when the run has to."""
        while True:
            for _ in range(round(LOOK_S / STOP_S)):
                if self._stop.is_set():
                    return
                await asyncio.sleep(STOP_S)
            if not await asyncio.to_thread(self._may_go_on):
                return

    def _may_go_on(self) -> bool:
        return not self._stop.is_set() and self._lease.take()

    def _known(self, plan: Plan) -> list[SampleResult]:
        with self._store.read() as tx:
            return tx.evaluations.results(plan.run.id)

    def _earlier(self, plan: Plan) -> dict[tuple[str, str], SampleResult]:
        with self._store.read() as tx:
            return earlier_answers(tx, plan.run, plan.cached)
