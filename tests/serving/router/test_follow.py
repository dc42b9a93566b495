"""The router follows a monitor that comes, goes, and may be wrong."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from aftertune.values.route import RouterLease, RoutingTable
from serving.router.app import Router
from serving.router.follow import Follower
from serving.router.metrics import Metrics
from serving.router.routing_table import Routing
from tests.fakes.engine import FakeEngine
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CONTROL, free_port, table, target


@dataclass
class Monitor:
    """Answers every lease with `reply`; `leases` are those it got."""

    port: int
    reply: str = ""
    leases: list[RouterLease] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    polled: asyncio.Event = field(default_factory=asyncio.Event)

    async def lease(self, request: web.Request) -> web.Response:
        self.leases.append(RouterLease.model_validate_json(await request.read()))
        self.tokens.add(request.headers.get("authorization"))
        self.polled.set()
        return web.Response(text=self.reply, content_type="application/json")

    async def polls(self, count: int) -> None:
        """Wait for this many more polls to have begun."""
        for _ in range(count):
            self.polled.clear()
            await asyncio.wait_for(self.polled.wait(), 30)


@pytest.fixture
async def monitor() -> AsyncIterator[Monitor]:
    playing = Monitor(free_port())
    app = web.Application()
    app.router.add_post("/v1/routers/lease", playing.lease)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", playing.port).start()
    yield playing
    await runner.cleanup()


async def following(router: Router, wanted: RoutingTable) -> None:
    async with asyncio.timeout(30):
        while router.routing.table != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_the_poll_renews_the_lease_and_brings_the_table(
    start: StartRouter, stable: FakeEngine, monitor: Monitor
) -> None:
    first = table(target(stable), revision=1)
    monitor.reply = first.model_dump_json()
    router = await start(monitor_port=monitor.port)
    await following(router, first)
    await monitor.polls(2)
    assert monitor.tokens == {f"Bearer {CONTROL}"}
    assert monitor.leases[0].generations == {}
    assert monitor.leases[-1] == router.lease()
    assert (monitor.leases[-1].router, monitor.leases[-1].generations) == ("router-1", {"tasks": 3})
    assert monitor.leases[-1].admin_url == router.admin_url


@pytest.mark.parametrize("reply", ["", "{}", "[", '{"revision": -1}'])
async def test_nonsense_and_older_tables_change_nothing(
    start: StartRouter, stable: FakeEngine, monitor: Monitor, reply: str
) -> None:
    current = table(target(stable), revision=5)
    monitor.reply = reply
    router = await start(current, monitor_port=monitor.port)
    await monitor.polls(2)
    monitor.reply = table(target(stable), revision=4).model_dump_json()
    await monitor.polls(2)
    assert router.routing.table == current
    newer = table(target(stable), revision=6)
    monitor.reply = newer.model_dump_json()
    await following(router, newer)


async def test_polls_are_spread(stable: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Routers that were started together do not ask together."""
    waits: list[float] = []

    class Enough(Exception):
        pass

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise Enough

    monkeypatch.setattr("serving.router.follow.asyncio.sleep", sleep)
    chances = iter((0.0, 0.5, 0.99))
    follower = Follower(
        Routing(Path("/dev/null/none.json"), Metrics()),
        lambda: RouterLease(router="r", admin_url="http://r", revision=-1, generations={}),
        f"http://127.0.0.1:{free_port()}",
        CONTROL,
        2.0,
        lambda: next(chances),
    )
    with pytest.raises(Enough):
        await follower.run()
    assert waits == pytest.approx([1.5, 2.0, 2.49])
