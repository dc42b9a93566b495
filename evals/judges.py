"""The room's judges: who they are, and their seats in one run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from aftertune.clock import Clock
from aftertune.engine import AsyncEngine
from aftertune.settings import Settings
from aftertune.settings.sections import JudgeSettings
from aftertune.values.release import EngineKind
from evals.engine.http_engine import Address, HttpEngine, session
from evals.engine.pacing import Budget, Pace
from evals.engine.patience import Patient, Retries
from evals.harness.keeping import Judging
from evals.judging.bench import Bench, JudgeModel, seated
from evals.judging.judge import described, is_judged, judge
from evals.suite.suite import Suite


class Judges:
    """From the settings: judge models, and the encoder, whose probes measure without a judge."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def described(self, suite: Suite) -> dict[str, str]:
        """For a run's signature; empty when nothing is judged."""

        async def describe() -> dict[str, str]:
            async with self._bench() as bench:
                return described(suite, bench)

        return asyncio.run(describe()) if is_judged(suite) else {}

    @asynccontextmanager
    async def seated(self, suite: Suite) -> AsyncIterator[Judging | None]:
        """For one run; None when the suite has nothing to judge."""
        if not is_judged(suite):
            yield None
            return
        async with self._bench() as bench:
            yield partial(judge, suite, bench=bench)

    @asynccontextmanager
    async def _bench(self) -> AsyncIterator[Bench]:
        evals, encoder = self._settings.evals, self._settings.encoder
        async with session(evals.judge_timeout_s) as client:

            def connect(each: JudgeSettings) -> HttpEngine:
                key = each.key.get_secret_value() if each.key else ""
                return HttpEngine(
                    client, Address(each.url, each.model, EngineKind.EXTERNAL), self._clock, key
                )

            address = Address(self._settings.encoder_url, encoder.model, EngineKind.EXTERNAL)
            encoding = HttpEngine(client, address, self._clock)

            async def encode() -> AsyncEngine:
                return encoding

            # The encoder closes idle connections: a request that meets one is tried again.
            patient = Patient(encode, Pace(Budget(), self._clock), Retries(), self._clock)
            yield seated(evals, connect, JudgeModel(encoder.model, patient))
