"""Shards of items on Ray's workers: processes of this machine, or of a cluster that is already running."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from aftertune.errors import BadInput
from evals.executor.executor import Item, Job, Result
from evals.executor.local import LocalExecutor

SHARDS_A_WORKER = 2
"""Handed out at once: the next one is there when a worker ends the one before."""

MISSING = "Install it: pip install 'aftertune[ray]'."


class RayExecutor:
    """Made by the thread that lives longest: Ray's own processes end with the thread that started them.

    `address`: of a running cluster, empty: workers of this machine, reachable from it alone; `close` ends what was
    started here. Neither its dashboard nor its usage statistics are ever on. Raises BadInput when Ray is not
    installed, or no cluster is at the address.
    """

    def __init__(self, workers: int, address: str = "") -> None:
        self.workers = workers
        self._ray = _started(workers, address)

    async def map(
        self, job: Job[Item, Result], items: Sequence[Item], at_once: int
    ) -> AsyncGenerator[Result, None]:
        ray = self._ray
        each = -(-at_once // self.workers)
        do = ray.remote(num_cpus=1, max_retries=2)(_shard)
        sent = ray.put(job)
        waiting = [items[start : start + each] for start in range(0, len(items), each)][::-1]
        under_way: dict[asyncio.Future[list[Result]], Any] = {}
        try:
            while waiting or under_way:
                while waiting and len(under_way) < self.workers * SHARDS_A_WORKER:
                    reference = do.remote(sent, waiting.pop(), each, self.workers)
                    under_way[asyncio.wrap_future(reference.future())] = reference
                done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for future in done:
                    del under_way[future]
                    for result in future.result():
                        yield result
        finally:
            for future, reference in under_way.items():
                future.cancel()
                ray.cancel(reference, force=True)

    def close(self) -> None:
        self._ray.shutdown()


def _started(workers: int, address: str) -> Any:
    # Read by Ray when it is imported.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    try:
        import ray  # noqa: PLC0415
    except ImportError:
        raise BadInput("The executor is ray, which is not installed.", MISSING) from None
    here = {"num_cpus": workers, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(
            **({"address": address} if address else here),
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, OSError, ValueError) as error:
        raise BadInput(f"Ray cannot be reached at {address or 'this machine'}: {error}.") from None
    return ray


def _shard(job: Any, items: Sequence[Any], at_once: int, workers: int) -> list[Any]:
    """In a worker: the shard's results, in any order."""

    async def run() -> list[Any]:
        shared = _Shared(job, workers)
        return [result async for result in LocalExecutor().map(shared, items, at_once)]

    return asyncio.run(run())


class _Shared:
    """The job as one of so many workers does it."""

    def __init__(self, job: Any, workers: int) -> None:
        self._job = job
        self._workers = workers

    def open(self, _: int) -> Any:
        return self._job.open(self._workers)
