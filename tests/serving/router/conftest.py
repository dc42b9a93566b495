"""A running router, two engines and a plain HTTP client."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from aftertune.clock import ManualClock
from aftertune.settings.sections import SpoolSettings
from aftertune.values.route import RoutingTable
from serving.router.app import Router
from serving.router.spool import SpoolWriter
from tests.fakes.engine import FakeEngine, Quality
from tests.serving.router.spooled import OpenWriter
from tests.serving.router.stack import CONTROL, settings

StartRouter = Callable[..., Awaitable[Router]]


@pytest.fixture
async def stable() -> AsyncIterator[FakeEngine]:
    async with FakeEngine("v1") as engine:
        yield engine


@pytest.fixture
async def candidate() -> AsyncIterator[FakeEngine]:
    async with FakeEngine("v2", Quality.BAD) as engine:
        yield engine


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as opened:
        yield opened


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartRouter]:
    """Starts routers in the test's home folder; the mirror has drained when the test asked `stop`."""
    async with AsyncExitStack() as stack:

        async def run(table: RoutingTable | None = None, **router: Any) -> Router:
            started = await stack.enter_async_context(Router(settings(tmp_path, **router), CONTROL))
            if table is not None:
                started.routing.accept(table)
            return started

        yield run


@pytest.fixture
def open_writer(tmp_path: Path, clock: ManualClock) -> Iterator[OpenWriter]:
    """Opens writers on the test's folder, with these settings; closes them."""
    opened: list[SpoolWriter] = []

    def start(**settings: float) -> SpoolWriter:
        known = SpoolSettings.model_validate({"fsync_s": 0, **settings})
        opened.append(SpoolWriter(tmp_path, known, "router-1", clock))
        return opened[-1]

    yield start
    for writer in opened:
        writer.close()
