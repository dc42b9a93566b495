"""A running router, two engines and a plain HTTP client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from aftertune.values.route import RoutingTable
from serving.router.app import Router
from tests.fakes.engine import FakeEngine, Quality
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
