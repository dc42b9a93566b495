"""The router's parts, put together and taken down in order."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aiohttp import web

from aftertune import telemetry
from aftertune.address import resolve, url
from aftertune.errors import BadInput
from aftertune.pin import pin_file
from aftertune.settings import Settings
from aftertune.values.route import RouterLease
from serving.router.admin import ControlAdmission, admin_doors
from serving.router.circuit import Circuits, fallen_back
from serving.router.data import DataPort
from serving.router.door import application
from serving.router.exchange import Bounds, Lane
from serving.router.follow import Follower
from serving.router.health import HealthProbes
from serving.router.leg import Recorder
from serving.router.limits import Limits
from serving.router.listening import data_socket, finish_accepting
from serving.router.metrics import Metrics
from serving.router.mirror import Mirror
from serving.router.pin import PinWatcher
from serving.router.routing_table import Routing
from serving.router.spool import SpoolWriter
from serving.router.spool_metrics import SpoolCollector
from serving.wire.client import Pool
from serving.wire.listener import Listener
from serving.wire.request import Bounds as ConnectionBounds
from serving.wire.watch import Watch

PROBE_DRAIN_S = 0.5
MIRROR_DRAIN_S = 1.0
"""A stopping router waits `router.drain_s` for answers, then this long for probes and copies: below 30 s."""
FLUSH_S = 0.02
"""Shadow legs wait so long at most to be written with a live one."""
SEAL_LOOK_S = 0.1
"""How often the spool is asked whether a segment's time has come."""


class Router:
    """`async with Router(...)`: serves from enter to exit. A port of 0 in the settings picks a free one."""

    def __init__(self, settings: Settings, control_token: str) -> None:
        self._settings = settings
        self._control_token = control_token
        self._stack = AsyncExitStack()
        self.metrics = Metrics()
        folder = settings.routing_folder
        self.routing = Routing(folder / f"{settings.router.name}.json", self.metrics)
        self._watcher = PinWatcher(self.routing, pin_file(folder), self.metrics)
        self._circuits = Circuits(probe_interval_s=settings.router.probe_interval_s)
        self._draining = False
        self._ready = False
        self.url = ""
        self.admin_url = ""

    async def __aenter__(self) -> Self:
        """Raises BadInput when a port or the spool folder is taken."""
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut off what is left, flush: the reverse of the start."""
        await self._stack.aclose()

    async def drain(self) -> None:
        """Take no new connections, and let every answer under way end; then leave the context."""
        self._draining = True
        self._listener.last_answers()
        await finish_accepting(self._socket)
        self._listener.stop_accepting()
        await self._listener.drain(self._settings.router.drain_s)

    def trouble(self) -> str:
        """Why no request should come here; empty while all may."""
        if self._draining:
            return "draining"
        if not self._ready:
            return "starting"
        return "" if self.routing.table is not None else "no routing table"

    def lease(self) -> RouterLease:
        """What this router says of itself."""
        return RouterLease(
            router=self._settings.router.name,
            admin_url=self.admin_url,
            revision=self.routing.revision,
            generations=self.routing.generations,
            fallen_back=fallen_back(self.routing.routes, self._circuits),
            pinned=self.routing.pinned,
        )

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        router = settings.router
        self.routing.load()
        self._watcher.look()
        recorder = self._recorder(stack)
        watch = Watch(asyncio.get_running_loop())
        stack.callback(watch.stop)
        lane = self._lane(stack, recorder, watch)
        port = DataPort(self.routing, lane, self.metrics, self.trouble)
        await self._open_admin(stack, port)
        self._listener = Listener(
            port,
            ConnectionBounds(
                head_bytes=router.max_head_bytes,
                body_bytes=router.max_body_bytes,
                head_s=router.head_timeout_s,
                body_s=router.body_timeout_s,
                idle_s=router.idle_timeout_s,
            ),
            watch,
            router.max_connections,
            self.metrics.turned_away,
        )
        self._socket = data_socket(router.host, router.port, shared=router.share_port)
        self.url = url(router.host, self._socket.getsockname()[1])
        await self._listener.start(self._socket)
        stack.push_async_callback(self._listener.drain, 0.0)
        stack.callback(self._listener.stop_accepting)
        self._show(lane)
        self._go_on(stack, self._watcher.run())
        probes = HealthProbes(self.routing, self._circuits, router.probe_interval_s)
        self._go_on(stack, probes.run())
        follower = Follower(
            self.routing, self.lease, settings.monitor_url, self._control_token, router.poll_interval_s
        )
        self._go_on(stack, follower.run())
        self._ready = True

    def _recorder(self, stack: AsyncExitStack) -> Recorder:
        name = self._settings.router.name
        loop = asyncio.get_running_loop()

        def flush_soon() -> None:
            loop.call_later(FLUSH_S, spool.flush)

        spool = SpoolWriter(
            self._settings.spool_folder / name, self._settings.spool, name, flush_soon=flush_soon
        )
        stack.callback(spool.close)
        SpoolCollector(spool, self.metrics.registry)

        async def flush() -> None:
            while True:
                await asyncio.sleep(SEAL_LOOK_S)
                spool.flush()

        self._go_on(stack, flush())
        return Recorder(name, spool, self.metrics)

    def _lane(self, stack: AsyncExitStack, recorder: Recorder, watch: Watch) -> Lane:
        router = self._settings.router
        pool = Pool(router.connect_timeout_s)
        stack.callback(pool.close)
        mirror = Mirror(self._settings.mirror, router.connect_timeout_s, recorder, self.routing.route, watch)
        stack.push_async_callback(mirror.stop, MIRROR_DRAIN_S)
        return Lane(
            pool=pool,
            watch=watch,
            mirror=mirror,
            recorder=recorder,
            limits=Limits(pool.time),
            circuits=self._circuits,
            bounds=Bounds(
                first_byte_s=router.first_byte_timeout_s,
                chunk_s=router.chunk_timeout_s,
                total_s=router.total_timeout_s,
                most_bytes=router.max_answer_bytes,
            ),
        )

    async def _open_admin(self, stack: AsyncExitStack, port: DataPort) -> None:
        router = self._settings.router
        admin = _admin_socket(router.host, router.admin_port)
        app = application(
            admin_doors(self.routing, port, self.metrics, self.lease, self.trouble),
            ControlAdmission(self._control_token, self.routing),
            router.max_body_bytes,
        )
        runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=PROBE_DRAIN_S
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, admin).start()
        self.admin_url = url(router.host, admin.getsockname()[1])

    def _show(self, lane: Lane) -> None:
        gauge, mirror, pool = self.metrics.gauge, lane.mirror, lane.pool
        gauge(telemetry.MIRROR_PENDING, lambda: mirror.pending)
        gauge(telemetry.CONNECTIONS, lambda: len(self._listener))
        gauge(telemetry.ENGINE_CONNECTIONS, lambda: len(pool) + mirror.connections)
        gauge(telemetry.DRAINING, lambda: float(self._draining))

    def _go_on(self, stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
        """Until the stack unwinds."""
        stack.push_async_callback(_cancelled, asyncio.create_task(work))


def _admin_socket(host: str, port: int) -> socket.socket:
    """Raises BadInput when the address cannot be had."""
    address = resolve(host, port)
    try:
        return socket.create_server(address.place[:2], family=address.family)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
        raise BadInput(
            f"Port {port} on {host} {why}.",
            "Stop the program that holds it, or set AFTERTUNE_ROUTER__ADMIN_PORT.",
        ) from None


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
