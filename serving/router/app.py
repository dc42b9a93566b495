"""The router's parts, put together and taken down in order."""

import asyncio
import contextlib
import errno
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aiohttp import web

from aftertune.clock import Clock, SystemClock
from aftertune.errors import BadInput
from aftertune.settings import Settings
from aftertune.values.route import RouterLease
from serving.router.admin import ControlAdmission, admin_doors
from serving.router.data import ClientAdmission, data_doors
from serving.router.door import application
from serving.router.follow import Follower
from serving.router.leg import Recorder
from serving.router.metrics import Metrics
from serving.router.mirror import Mirror
from serving.router.proxy import Proxy
from serving.router.routing_table import Routing
from serving.router.spool import SpoolWriter
from serving.router.upstream import Deadlines, Upstream

DRAIN_S = 20.0
PROBE_DRAIN_S = 2.0
MIRROR_DRAIN_S = 5.0
"""How long a stopping router waits for answers, probes and copies under way, one after the other: below 30 s."""


class Router:
    """`async with Router(...)`: serves from enter to exit. A port of 0 in the settings picks a free one."""

    def __init__(self, settings: Settings, control_token: str, clock: Clock | None = None) -> None:
        self._settings = settings
        self._control_token = control_token
        self._clock = clock or SystemClock()
        self._stack = AsyncExitStack()
        self.metrics = Metrics()
        file = settings.home / "routing" / f"{settings.router.name}.json"
        self.routing = Routing(file, self.metrics)
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
        """Stop accepting, drain, flush: the reverse of the start."""
        await self._stack.aclose()

    def lease(self) -> RouterLease:
        """What this router says of itself."""
        return RouterLease(
            router=self._settings.router.name,
            admin_url=self.admin_url,
            revision=self.routing.revision,
            generations=self.routing.generations,
        )

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        router = settings.router
        self.routing.load()
        spool = SpoolWriter(settings.spool_folder / router.name, settings.spool, self.metrics)
        stack.callback(spool.close)
        recorder = Recorder(router.name, spool, self.metrics, self._clock)
        upstream = Upstream(
            Deadlines(
                connect_s=router.connect_timeout_s,
                first_byte_s=router.first_byte_timeout_s,
                chunk_s=router.chunk_timeout_s,
                total_s=router.total_timeout_s,
            )
        )
        stack.push_async_callback(upstream.close)
        mirror = Mirror(settings.mirror, router.connect_timeout_s, recorder, self.routing.route)
        stack.push_async_callback(mirror.stop, MIRROR_DRAIN_S)
        proxy = Proxy(self.routing, upstream, mirror, recorder)
        self.admin_url = await _serve(
            stack,
            application(
                admin_doors(self.routing, proxy, self.metrics, self.lease),
                ControlAdmission(self._control_token, self.routing),
                self.metrics,
                router.max_body_bytes,
            ),
            router.host,
            router.admin_port,
            "AFTERTUNE_ROUTER__ADMIN_PORT",
            PROBE_DRAIN_S,
        )
        self.url = await _serve(
            stack,
            application(
                data_doors(self.routing, proxy),
                ClientAdmission(self.routing),
                self.metrics,
                router.max_body_bytes,
            ),
            router.host,
            router.port,
            "AFTERTUNE_ROUTER__PORT",
            DRAIN_S,
        )
        follower = Follower(
            self.routing, self.lease, settings.monitor_url, self._control_token, router.poll_interval_s
        )
        following = asyncio.create_task(follower.run())
        stack.push_async_callback(_cancelled, following)


async def _serve(
    stack: AsyncExitStack, app: web.Application, host: str, port: int, setting: str, drain_s: float
) -> str:
    """Listen, until the stack unwinds, and return the URL. Raises BadInput when the address cannot be had."""
    # A client that leaves cancels its handler, and with it the engine's request.
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=drain_s)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
        raise BadInput(
            f"Port {port} on {host} {why}.", f"Stop the program that holds it, or set {setting}."
        ) from None
    return f"http://{host}:{runner.addresses[0][1]}"


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
