"""A key ends at its hour on every router, whoever else is away."""

import asyncio
from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession

from aftertune.identity import token_hash
from aftertune.values.route import KeyGrant
from serving.router.app import Router
from tests.fakes.engine import FakeEngine
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CHAT_KEY, post, table, target


async def until(start: StartRouter, stable: FakeEngine, ends: datetime) -> Router:
    grant = KeyGrant(name="app-1", expires_at=ends)
    return await start(table(target(stable)).model_copy(update={"keys": {token_hash(CHAT_KEY): grant}}))


async def test_a_key_that_is_over_opens_nothing(
    start: StartRouter, session: ClientSession, stable: FakeEngine
) -> None:
    router = await until(start, stable, datetime.now(UTC) - timedelta(seconds=1))
    status, _, answer = await post(session, router)
    assert status == 401
    assert b"has expired" in answer
    assert not stable.seen


async def test_a_key_ends_though_nobody_tells_the_router(
    start: StartRouter, session: ClientSession, stable: FakeEngine
) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=1)
    router = await until(start, stable, ends)
    async with asyncio.timeout(60):
        while (status := (await post(session, router))[0]) == 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert status == 401
    assert datetime.now(UTC) >= ends
