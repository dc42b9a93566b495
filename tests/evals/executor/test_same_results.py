"""A suite on Ray's workers has the results that it has here, byte for byte; encoders go the same way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aftertune.clock import ManualClock, SystemClock
from aftertune.store import Store
from aftertune.values.evaluation import Answer, RunState
from aftertune.values.release import EngineKind
from evals.engine.http_engine import Address, HttpEngine, session
from evals.executor import Executor, LocalExecutor, RayExecutor
from tests.evals.world import World, served, small_suites

pytestmark = pytest.mark.stack


def test_workers_answer_as_this_process_does(
    store: Store, clock: ManualClock, tmp_path: Path, ray: RayExecutor
) -> None:
    world = World(store, clock, small_suites(tmp_path / "suites"))
    found = []
    with served("v1") as engine, served("base") as base:
        world.register("v1", engine.url)
        world.register("base", base.url)
        for executor in (LocalExecutor(), ray):
            world.executor = executor
            world.restart()
            name = type(executor).__name__
            world.ask_for("v1", "memory", name)
            world.step()
            assert world.run(name).state is RunState.SUCCESSFUL, world.run(name).reason
            found.append(
                [
                    result.model_copy(
                        update={"run": "", "latency_s": None, "answers": timeless(result.answers)}
                    )
                    for result in world.results(name)
                ]
            )
    assert len(found[0]) == 40
    assert [each.model_dump_json() for each in found[0]] == [each.model_dump_json() for each in found[1]]


def timeless(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    return tuple(answer.model_copy(update={"latency_s": None}) for answer in answers)


@dataclass(frozen=True)
class Embedding:
    """Batches of texts to an encoder."""

    address: Address

    @asynccontextmanager
    async def open(
        self, workers: int
    ) -> AsyncIterator[Callable[[tuple[str, ...]], Awaitable[list[list[float]]]]]:
        async with session(30.0) as client:
            yield HttpEngine(client, self.address, SystemClock()).embed


async def test_batches_of_an_encoder_are_spread(ray: RayExecutor) -> None:
    batches = [tuple(f"text {number}-{each}" for each in range(3)) for number in range(8)]
    executors: tuple[Executor, ...] = (LocalExecutor(), ray)
    with served("encoder") as encoder:
        job = Embedding(Address(encoder.url, "encoder", EngineKind.EXTERNAL))
        found = [
            sorted([vectors async for vectors in executor.map(job, batches, 4)]) for executor in executors
        ]
    assert found[0] == found[1]
    assert len(found[0]) == 8
