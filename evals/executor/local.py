"""Everything on the event loop of this process."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from evals.executor.executor import Item, Job, Result


class LocalExecutor:
    workers = 1

    async def map(
        self, job: Job[Item, Result], items: Sequence[Item], at_once: int
    ) -> AsyncGenerator[Result, None]:
        waiting, under_way = iter(items), set[asyncio.Task[Result]]()
        # Not asyncio.wait: it looks at every task under way each time that one of them ends.
        done: asyncio.Queue[asyncio.Task[Result]] = asyncio.Queue()
        async with job.open(1) as do:
            try:
                while True:
                    while len(under_way) < at_once and (item := next(waiting, None)) is not None:
                        task = asyncio.ensure_future(do(item))
                        under_way.add(task)
                        task.add_done_callback(done.put_nowait)
                    if not under_way:
                        return
                    ended = await done.get()
                    under_way.discard(ended)
                    yield ended.result()
            finally:
                for task in under_way:
                    task.cancel()
                await asyncio.gather(*under_way, return_exceptions=True)
