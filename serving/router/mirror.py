"""The shadow lane: copies of requests whose answers nobody sees. It can be slow, broken or full; users cannot tell.

Each release that gets copies has connections, a queue and a budget of its own. A copy is sent when the live answer
has ended, keeps every field of the request, and its answer is read to the end, recorded and thrown away: nothing in
it is ever acted on.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from aftertune.settings.sections import MirrorSettings
from aftertune.values.exchange import Endpoint, ExchangeError, ExchangeRole
from aftertune.values.route import MirrorBudget, Route, Target
from serving.router import engine_fault
from serving.router.budget import Meter
from serving.router.ids import new_id
from serving.router.leg import Leg, Recorder
from serving.router.policy import CopyTo
from serving.router.request import ModelRequest
from serving.wire.client import Call, Fault, Pool
from serving.wire.head import Headers
from serving.wire.watch import Watch

log = logging.getLogger(__name__)

_COPY_BYTES: Final = 1_000
"""Of memory, that a waiting copy holds besides its request's body and headers."""
MIRRORED: Final = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
"""Endpoints that generate; the others compute, and say nothing of how a release answers."""
REFUSAL_S: Final = 0.1
"""A shadow that refuses a connection is not tried for so long: copies meanwhile are recorded as that one is."""
SEND_S: Final = 0.001
"""Copies leave so long after the live answers: a client who waits on this machine, and the requests that came
meanwhile, have the caches and the cores to themselves first."""
_LOOK_S: Final = 0.02
_WAITS: Final = "concurrency"
_SHADOW: Final = ExchangeRole.SHADOW

RouteOf = Callable[[str], Route | None]


class Mirror:
    def __init__(
        self, settings: MirrorSettings, connect_s: float, recorder: Recorder, route_of: RouteOf, watch: Watch
    ) -> None:
        """Needs a running event loop. `route_of` gives a deployment's route now."""
        self.timeout_s = settings.timeout_s
        self.most_bytes = settings.max_answer_bytes
        self.concurrency = settings.concurrency
        self.recorder = recorder
        self.watch = watch
        self.loop = asyncio.get_running_loop()
        self._queue = settings.queue
        self._queue_bytes = settings.queue_bytes
        self._connect_s = connect_s
        self._route_of = route_of
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._outbox: list[tuple[_Lane, _Copy]] = []
        self._stopping = False
        self.waiting_bytes = 0

    @property
    def pending(self) -> int:
        """Copies that wait."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    @property
    def _busy(self) -> bool:
        return bool(self._outbox) or any(lane.busy for lane in self._lanes.values())

    @property
    def connections(self) -> int:
        return sum(len(lane.pool) for lane in self._lanes.values())

    def offer(self, request: ModelRequest, route: Route, copies: Sequence[CopyTo]) -> str | None:
        """Take copies of a request, where there is room and budget; the rest is counted by reason. Never waits.

        The id that the legs of the request share; None when no copy will be sent.
        """
        if request.endpoint not in MIRRORED:
            return None
        pair_id = ""
        for each in copies:
            lane = self._lane(route.deployment, each.target, each.budget)
            reason = self._reason_against(lane, request)
            if reason is not None:
                self.recorder.metrics.dropped(reason)
                continue
            pair_id = pair_id or new_id()
            copy = _Copy(self, lane, request, route, each.target, pair_id)
            if lane.admitted:
                if not self._outbox:
                    self.loop.call_later(SEND_S, self._send)
                self._outbox.append((lane, copy))
            else:
                lane.waiting.append(copy)
                self.waiting_bytes += _held(request)
        return pair_id or None

    def is_routed(self, route: Route, target: Target) -> bool:
        """A release that was rolled back while its copies waited, or the live answer was made, is asked nothing more."""
        now = self._route_of(route.deployment)
        if now is None or now is route:  # to compare targets costs more than all the rest
            return now is route
        return target in (now.stable, now.candidate) or any(target == each.target for each in now.shadows)

    async def stop(self, grace_s: float) -> None:
        """Let what was taken finish for `grace_s`; then drop the rest, counted."""
        ends = self.loop.time() + grace_s
        while self._busy and self.loop.time() < ends:  # noqa: ASYNC110  (an event would cost each copy)
            await asyncio.sleep(_LOOK_S)
        self._stopping = True
        left = [copy for _, copy in self._outbox]
        self._outbox.clear()
        left += [copy for lane in self._lanes.values() for copy in (*lane.waiting, *lane.under_way)]
        if left:
            log.warning("The mirror stops with %d copies under way.", len(left))
        for copy in left:
            copy.drop("stopping")
        for lane in self._lanes.values():
            lane.waiting.clear()
            lane.pool.close()

    def _send(self) -> None:
        """What was offered in the last moment, together."""
        outbox, self._outbox = self._outbox, []
        for lane, copy in outbox:
            if self.is_routed(copy.route, copy.target):
                lane.send(copy)
            else:
                self.recorder.metrics.dropped("not_routed")
                lane.ended(copy, 0)

    def _reason_against(self, lane: "_Lane", request: ModelRequest) -> str | None:
        """Why this copy is not taken; afterwards `lane.admitted` says whether it may go at once or waits."""
        if self._stopping:
            return "stopping"
        if request.stateful:
            return "stateful"
        lane.admitted = False
        if not lane.waiting:
            reason = lane.refuses()
            lane.admitted = reason is None
            if reason is None or reason != _WAITS:
                return reason
        if len(lane.waiting) >= self._queue:
            return "queue_full"
        if self.waiting_bytes + _held(request) > self._queue_bytes:
            return "memory"
        return None

    def _lane(self, deployment: str, target: Target, budget: MirrorBudget) -> "_Lane":
        lane = self._lanes.get((deployment, target.release))
        if lane is None:
            self._lanes = {key: kept for key, kept in self._lanes.items() if kept.busy or kept.recent}
            lane = _Lane(self, budget, Pool(self._connect_s, REFUSAL_S))
            self._lanes[deployment, target.release] = lane
        elif lane.budget is not budget and lane.budget != budget:
            lane.change(budget)
        return lane


class _Lane:
    """The copies to one release of one deployment."""

    def __init__(self, mirror: Mirror, budget: MirrorBudget, pool: Pool) -> None:
        self._mirror = mirror
        self._concurrency = mirror.concurrency
        self._meter = Meter(budget, self._concurrency)
        self._last = mirror.loop.time()
        self.budget = budget
        self.pool = pool
        self.waiting: deque[_Copy] = deque()
        self.under_way: set[_Copy] = set()
        self.admitted = False

    @property
    def busy(self) -> bool:
        return bool(self.waiting or self.under_way)

    @property
    def recent(self) -> bool:
        """Whether its day's budget may still matter."""
        return self._mirror.loop.time() - self._last < 86_400

    def refuses(self) -> str | None:
        self._last = self._mirror.loop.time()
        return self._meter.refuses(self._last, _utc_now)

    def change(self, budget: MirrorBudget) -> None:
        self.budget = budget
        self._meter.changed(budget, self._concurrency)

    def send(self, copy: "_Copy") -> None:
        self.under_way.add(copy)
        copy.start()

    def ended(self, copy: "_Copy", tokens: int) -> None:
        """A copy that was admitted is over; the next that waits gets its turn."""
        self.under_way.discard(copy)
        self._meter.finished(tokens)
        metrics = self._mirror.recorder.metrics
        while self.waiting:
            following = self.waiting[0]
            if not self._mirror.is_routed(following.route, following.target):
                self._forget_first()
                metrics.dropped("not_routed")
                continue
            reason = self.refuses()
            if reason == _WAITS:
                return
            self._forget_first()
            if reason is None:
                self.send(following)
            else:
                metrics.dropped(reason)

    def _forget_first(self) -> None:
        self._mirror.waiting_bytes -= _held(self.waiting.popleft().request)


class _Copy:
    """One request at one more engine."""

    __slots__ = (
        "_call",
        "_lane",
        "_leg",
        "_mirror",
        "_pair_id",
        "deadline",
        "request",
        "route",
        "target",
    )

    def __init__(
        self,
        mirror: Mirror,
        lane: _Lane,
        request: ModelRequest,
        route: Route,
        target: Target,
        pair_id: str,
    ) -> None:
        self.request = request
        self.route = route
        self.target = target
        self.deadline = 0.0
        self._mirror = mirror
        self._lane = lane
        self._pair_id = pair_id
        self._call: Call | None = None
        self._leg: Leg | None = None

    def start(self) -> None:
        mirror = self._mirror
        recorder = mirror.recorder
        place = recorder.places.of(self.route, self.target)
        self._leg = Leg(recorder, self.request, place, _SHADOW)
        self.deadline = mirror.loop.time() + mirror.timeout_s
        mirror.watch.add(self)
        try:
            sent, _ = self.request.bytes_for(self.target, self.target.url)
            self._call = self._lane.pool.send(self.target.url, sent, self)
            self._leg.prepare()
        except ValueError:
            log.exception("A copy cannot be sent to %s.", self.target.release)
            mirror.loop.call_soon(self.failed, Fault.REFUSED)

    def head(self, status: int, headers: Headers) -> None:
        if self._leg is not None:
            self._leg.status = status

    def body(self, pieces: Sequence[bytes], complete: bool) -> None:
        leg = self._leg
        if leg is None:
            return
        if leg.size + sum(map(len, pieces)) > self._mirror.most_bytes:
            self._cut(engine_fault.TOO_LONG.error)
            return
        leg.receive(pieces)
        if complete:
            self._end(None)

    def failed(self, fault: Fault) -> None:
        self._end(engine_fault.OF[fault].error)

    def expire(self, now: float) -> None:
        self._cut(ExchangeError.TIMEOUT)

    def drop(self, reason: str) -> None:
        """It will not be sent, or not be read to its end; nothing is recorded."""
        self._mirror.watch.forget(self)
        self._mirror.recorder.metrics.dropped(reason)
        self._abort()
        self._leg = None

    def _cut(self, error: ExchangeError) -> None:
        self._abort()
        self._end(error)

    def _abort(self) -> None:
        if self._call is not None:
            call, self._call = self._call, None
            call.abort()

    def _end(self, error: ExchangeError | None) -> None:
        self._call = None  # which holds us: together they would wait for the collector
        leg, self._leg = self._leg, None
        if leg is None:
            return
        self._mirror.watch.forget(self)
        leg.close(error, self._pair_id)
        counts = self._lane.budget.tokens_a_day is not None
        self._lane.ended(self, leg.tokens() if counts else 0)


def _held(request: ModelRequest) -> int:
    """The memory that a waiting copy of the request takes, in bytes."""
    return _COPY_BYTES + len(request.headers) + len(request.body)


def _utc_now() -> datetime:
    return datetime.now(UTC)
