"""The job of a run: units are put to the engines of their releases, at most so many at once to each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from aftertune.clock import Clock
from aftertune.engine import AsyncEngine
from evals.engine.addresses import Addresses
from evals.engine.http_engine import HttpEngine, session
from evals.engine.pacing import Budget, Pace
from evals.engine.patience import Patient, Retries
from evals.harness.answering import Answered, Unit, answer


@dataclass(frozen=True)
class Asking:
    """`concurrency`: questions under way at once, each release. `timeout_s`: of one request."""

    addresses: Addresses
    concurrency: int
    timeout_s: float
    retries: Retries
    budget: Budget
    clock: Clock

    @asynccontextmanager
    async def open(self, workers: int) -> AsyncIterator[Callable[[Unit], Awaitable[Answered]]]:
        pace = Pace(self.budget.shared_by(workers), self.clock)
        most = -(-self.concurrency // workers)
        async with session(self.timeout_s) as client:
            desks: dict[str, _Desk] = {}

            async def do(unit: Unit) -> Answered:
                if unit.release not in desks:
                    desks[unit.release] = _Desk(self, client, unit.release, pace, most)
                return await desks[unit.release].answer(unit)

            yield do


class _Desk:
    """Where one release is asked: its engine and the places in front of it."""

    def __init__(
        self, asking: Asking, client: aiohttp.ClientSession, release: str, pace: Pace, most: int
    ) -> None:
        self._asking = asking
        self._client = client
        self._release = release
        self._places = asyncio.Semaphore(most)
        self._patient = Patient(self._engine, pace, asking.retries, asking.clock)

    async def answer(self, unit: Unit) -> Answered:
        async with self._places:
            answered = await answer(unit, self._patient, self._asking.clock)
            retries, self._patient.retried = self._patient.retried, 0
            return answered._replace(retries=retries)

    async def _engine(self) -> AsyncEngine:
        address = await self._asking.addresses.of(self._release)
        return HttpEngine(self._client, address, self._asking.clock)
