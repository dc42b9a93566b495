"""The shadow lane: copies of requests whose answers nobody sees. It can be slow, broken or full; users cannot tell."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from aftertune.headers import REQUEST_ID
from aftertune.settings import MirrorSettings
from aftertune.values.exchange import ExchangeError, ExchangeRole
from aftertune.values.route import Route, Target
from serving.router.leg import Leg, Recorder
from serving.router.request import ChatRequest, engine_body
from serving.router.upstream import Deadlines, EngineAnswer, EngineFailure, Upstream

log = logging.getLogger(__name__)

MAX_WAITING_BYTES = 64_000_000
"""Bodies that wait may hold this much memory; beyond it copies are dropped as if the queue were full."""


RouteOf = Callable[[str], Route | None]


@dataclass(frozen=True)
class Copy:
    """A client's request, meant for one more engine. `pair_id` is ours: a client may repeat its request ids."""

    request: ChatRequest
    route: Route
    target: Target
    pair_id: str = field(default_factory=lambda: uuid4().hex)


class Mirror:
    """A bounded queue and a few workers with a connection pool of their own."""

    def __init__(
        self, settings: MirrorSettings, connect_s: float, recorder: Recorder, route_of: RouteOf
    ) -> None:
        """Needs a running event loop. `route_of` gives a deployment's route now."""
        self._settings = settings
        self._recorder = recorder
        self._metrics = recorder.metrics
        self._route_of = route_of
        self._waiting: asyncio.Queue[Copy] = asyncio.Queue(settings.queue)
        self._waiting_bytes = 0
        whole = settings.timeout_s
        self._upstream = Upstream(Deadlines(connect_s, first_byte_s=whole, chunk_s=whole, total_s=whole))
        self._workers = [asyncio.create_task(self._work()) for _ in range(settings.concurrency)]

    def offer(self, copy: Copy) -> bool:
        """Queue a copy; False, counted by reason, when there is no room. Never waits."""
        size = len(copy.request.body)
        if self._waiting.full():
            self._metrics.dropped("queue_full")
            return False
        if self._waiting_bytes + size > MAX_WAITING_BYTES:
            self._metrics.dropped("memory")
            return False
        self._waiting.put_nowait(copy)
        self._waiting_bytes += size
        self._metrics.mirror_pending.set(self._waiting.qsize())
        return True

    async def stop(self, grace_s: float) -> None:
        """Let what was queued finish for `grace_s`; then drop the rest, counted."""
        try:
            async with asyncio.timeout(grace_s):
                await self._waiting.join()
        except TimeoutError:
            log.warning("The mirror stops with copies under way.")
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        while not self._waiting.empty():
            self._waiting.get_nowait()
            self._metrics.dropped("stopping")
        await self._upstream.close()

    async def _work(self) -> None:
        while True:
            copy = await self._waiting.get()
            self._waiting_bytes -= len(copy.request.body)
            self._metrics.mirror_pending.set(self._waiting.qsize())
            try:
                await self._send(copy)
            except asyncio.CancelledError:
                self._metrics.dropped("stopping")
                raise
            except Exception:
                self._metrics.dropped("failed")
                log.exception("A copy of request %s failed.", copy.request.request_id)
            finally:
                self._waiting.task_done()

    def _is_routed(self, copy: Copy) -> bool:
        """A release that was rolled back while its copies waited is asked nothing more."""
        route = self._route_of(copy.route.deployment)
        return route is not None and copy.target in (route.stable, route.candidate)

    async def _send(self, copy: Copy) -> None:
        """Ask the engine, read all it says, record it."""
        if not self._is_routed(copy):
            self._metrics.dropped("not_routed")
            return
        request = copy.request
        leg = Leg(self._recorder, request, copy.route, copy.target, ExchangeRole.SHADOW)
        headers = {**request.headers, REQUEST_ID: request.request_id}
        try:
            body = engine_body(request.body, copy.target).body
            answer = await self._upstream.post(copy.target.url, body, headers)
            try:
                leg.answered(answer.status)
                await self._drain(answer, leg)
            finally:
                answer.close()
        except EngineFailure as failure:
            leg.close(failure.error, copy.pair_id)
        else:
            leg.close(None, copy.pair_id)

    async def _drain(self, answer: EngineAnswer, leg: Leg) -> None:
        size = 0
        while piece := await answer.read():
            size += len(piece)
            if size > self._settings.max_answer_bytes:
                raise EngineFailure(ExchangeError.TRUNCATED, "The answer is longer than the mirror keeps.")
            leg.receive(piece)
