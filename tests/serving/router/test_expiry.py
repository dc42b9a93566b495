"""A key ends at its hour on every router, whoever else is away."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientSession

from aftertune.identity import token_hash
from aftertune.values.route import KeyGrant
from serving.router.app import Router
from tests.fakes.engine import FakeEngine
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CHAT_KEY, DEPLOYMENT, post, table, target


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


@pytest.mark.parametrize("path", ["/v1/models", f"/v1/models/{DEPLOYMENT}", "/v1/responses/resp_1"])
async def test_it_opens_no_other_door_either(
    start: StartRouter, session: ClientSession, stable: FakeEngine, path: str
) -> None:
    router = await until(start, stable, datetime.now(UTC) - timedelta(seconds=1))
    headers = {"authorization": f"Bearer {CHAT_KEY}"}
    async with session.get(router.url + path, headers=headers) as answer:
        assert answer.status == 401
    async with session.get(f"{router.admin_url}/v1/routing", headers=headers) as answer:
        assert answer.status in (401, 403)
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
