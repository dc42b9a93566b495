"""Active probes: an engine whose circuit is open is asked for its health, until it answers."""

import asyncio
import logging

import aiohttp

from serving.router.circuit import Circuits, engine_urls
from serving.router.routing_table import Routing

log = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 2.0


class HealthProbes:
    def __init__(self, routing: Routing, circuits: Circuits, interval_s: float) -> None:
        self._routing = routing
        self._circuits = circuits
        self._look_s = interval_s / 4
        self._seen: set[str] = set()

    async def run(self) -> None:
        """Until cancelled. Engines that serve nobody any more are forgotten."""
        timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await asyncio.sleep(self._look_s)
                urls = engine_urls(self._routing.routes)
                if urls != self._seen:
                    self._seen = urls
                    self._circuits.keep(urls)
                due = self._circuits.due(asyncio.get_running_loop().time())
                await asyncio.gather(*(self._probe(session, engine) for engine in due))

    async def _probe(self, session: aiohttp.ClientSession, engine: str) -> None:
        try:
            async with session.get(f"{engine}/health", allow_redirects=False) as response:
                ok = response.status < 500
        except (aiohttp.ClientError, TimeoutError, ValueError):
            ok = False
        if ok:
            log.info("The engine at %s is back.", engine)
        self._circuits.of(engine).probed(ok, asyncio.get_running_loop().time())
