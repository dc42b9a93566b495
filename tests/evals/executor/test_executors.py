"""One contract for every executor: the same results, in any order; faults and leaving early end the work."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from evals.executor import Executor, LocalExecutor, RayExecutor


@dataclass(frozen=True)
class Squares:
    """What the tests spread: it says where it ran. Odd ones are slower, so that results change their order."""

    broken: int = -1

    @asynccontextmanager
    async def open(self, workers: int) -> AsyncIterator[Callable[[int], Awaitable[tuple[int, int, int]]]]:
        async def do(item: int) -> tuple[int, int, int]:
            await asyncio.sleep(0.001 * (item % 2))
            if item == self.broken:
                raise ValueError(f"{item} is broken")
            return item * item, workers, os.getpid()

        yield do


@pytest.fixture(params=["local", pytest.param("ray", marks=pytest.mark.stack)])
def executor(request: pytest.FixtureRequest) -> Executor:
    return LocalExecutor() if request.param == "local" else request.getfixturevalue("ray")


async def test_every_item_has_its_result(executor: Executor) -> None:
    found = [each async for each in executor.map(Squares(), range(37), 8)]
    assert sorted(square for square, _, _ in found) == [n * n for n in range(37)]
    assert {workers for _, workers, _ in found} == {executor.workers}


async def test_no_items_are_no_results(executor: Executor) -> None:
    assert [each async for each in executor.map(Squares(), (), 8)] == []


async def test_a_fault_of_the_job_s_ends_it(executor: Executor) -> None:
    with pytest.raises(ValueError, match="3 is broken"):
        async for _ in executor.map(Squares(broken=3), range(37), 4):
            pass


async def test_leaving_early_leaves_nothing_behind(executor: Executor) -> None:
    results = executor.map(Squares(), range(1000), 4)
    assert (await anext(results))[0] >= 0
    await results.aclose()
    found = [each async for each in executor.map(Squares(), range(3), 4)]
    assert len(found) == 3


@pytest.mark.stack
async def test_ray_s_workers_are_other_processes(ray: RayExecutor) -> None:
    found = [process async for _, _, process in ray.map(Squares(), range(40), 4)]
    assert os.getpid() not in found


async def test_only_so_many_are_under_way() -> None:
    under_way, most = 0, 0

    class Counted:
        @asynccontextmanager
        async def open(self, workers: int) -> AsyncIterator[Callable[[int], Awaitable[int]]]:
            async def do(item: int) -> int:
                nonlocal under_way, most
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0)
                under_way -= 1
                return item

            yield do

    assert len([each async for each in LocalExecutor().map(Counted(), range(50), 7)]) == 50
    assert most == 7
