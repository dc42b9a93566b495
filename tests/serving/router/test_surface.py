"""The data port's whole surface: who may reach what, and how it says no."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from aftertune.identity import token_hash
from aftertune.values.exchange import ExchangeRole
from aftertune.values.route import KeyGrant, Route, RoutingTable, Target
from serving.router.app import Router
from tests.fakes.engine import FakeEngine
from tests.serving.router.asked import EVERY, MIRRORED, PASSED, Asked, ask, get, send
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CHAT_KEY, DEPLOYMENT, records, table, target, until_recorded

OTHER = "plants"
SCOPED_KEY = "at_scoped"
CHAT = MIRRORED["chat"]


def two(stable: Target, other: Target, **limits: Any) -> RoutingTable:
    """Two deployments; one key for both, another, with the limits, for the second alone."""
    routes = tuple(
        Route(deployment=name, generation=1, stable=release, stored_responses=True)
        for name, release in ((DEPLOYMENT, stable), (OTHER, other))
    )
    keys = {
        token_hash(CHAT_KEY): KeyGrant(name="app-1"),
        token_hash(SCOPED_KEY): KeyGrant(name="app-2", deployments=(OTHER,), **limits),
    }
    return RoutingTable(revision=1, routes=routes, keys=keys)


@pytest.fixture
async def router(start: StartRouter, stable: FakeEngine, candidate: FakeEngine) -> Router:
    return await start(two(target(stable), target(candidate)))


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def test_every_endpoint_is_recorded_under_its_name(
    router: Router, session: ClientSession, tmp_path: Path
) -> None:
    for asked in EVERY.values():
        assert (await ask(session, router, asked)).status == 200
    await until_recorded(tmp_path, len(EVERY))
    found = [(header.endpoint.value, header.role) for header, _ in records(tmp_path)]
    assert found == [(asked.path, ExchangeRole.STABLE) for asked in EVERY.values()]
    for (_, record), asked in zip(records(tmp_path), EVERY.values(), strict=True):
        assert record.request == asked.raw()
        assert record.answer


async def test_models_are_the_deployments_that_the_key_may_use(
    router: Router, session: ClientSession
) -> None:
    async def listed(key: str) -> list[str]:
        answer = await send(session, "GET", f"{router.url}/v1/models", bearer(key))
        parsed = json.loads(answer.body)
        assert (answer.status, parsed["object"]) == (200, "list")
        for model in parsed["data"]:
            assert set(model) == {"id", "object", "created", "owned_by"}
        return [model["id"] for model in parsed["data"]]

    assert await listed(CHAT_KEY) == [DEPLOYMENT, OTHER]
    assert await listed(SCOPED_KEY) == [OTHER]


async def test_one_model(router: Router, session: ClientSession) -> None:
    found = await get(session, router, f"/v1/models/{OTHER}")
    assert found.status == 200
    assert json.loads(found.body)["id"] == OTHER
    for key, name in ((CHAT_KEY, "nothing"), (SCOPED_KEY, DEPLOYMENT)):
        missing = await send(session, "GET", f"{router.url}/v1/models/{name}", bearer(key))
        assert (missing.status, missing.error["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("name", list(EVERY))
async def test_what_a_key_may_not_use_does_not_exist(
    router: Router, session: ClientSession, stable: FakeEngine, candidate: FakeEngine, name: str
) -> None:
    """A deployment out of scope is answered as an unknown one is, word for word but for the name."""
    asked = EVERY[name]
    hidden = await ask(session, router, asked, key=SCOPED_KEY)
    unknown = await ask(session, router, asked, key=SCOPED_KEY, raw=asked.raw("unknown"))
    assert hidden.status == unknown.status == 404
    assert (hidden.error["code"], hidden.error["param"]) == ("model_not_found", "model")
    assert hidden.body.replace(DEPLOYMENT.encode(), b"unknown") == unknown.body
    assert (await ask(session, router, asked, key=SCOPED_KEY, raw=asked.raw(OTHER))).status == 200
    assert len(stable.seen) == 0
    assert len(candidate.seen) == 1


@pytest.mark.parametrize("name", list(EVERY))
@pytest.mark.parametrize("header", [{}, bearer("at_wrong"), {"authorization": "Basic YTpi"}, bearer("")])
async def test_without_a_key_nothing_is_told(
    router: Router, session: ClientSession, stable: FakeEngine, name: str, header: dict[str, str]
) -> None:
    answer = await send(session, "POST", router.url + EVERY[name].path, header, EVERY[name].raw())
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert answer.header("www-authenticate") == "Bearer"
    assert DEPLOYMENT not in answer.body.decode()
    assert not stable.seen


async def test_health_is_public(router: Router, session: ClientSession) -> None:
    answer = await send(session, "GET", f"{router.url}/healthz", {})
    assert answer.status == 200
    assert DEPLOYMENT not in answer.body.decode()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", "/v1/images/generations"),
        ("GET", "/metrics"),
        ("POST", "/v1/routing"),
        ("GET", "/v1/chat/completions/"),
        ("GET", "/v1//models"),
        ("GET", "/docs"),
    ],
)
async def test_anything_else_is_not_there(
    router: Router, session: ClientSession, method: str, path: str
) -> None:
    answer = await send(
        session, method, router.url + path, bearer(CHAT_KEY), b"{}" if method == "POST" else None
    )
    assert (answer.status, answer.error["code"]) == (404, "unknown_url")
    assert answer.header("x-request-id")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", {"POST"}),
        ("DELETE", "/v1/embeddings", {"POST"}),
        ("PUT", "/tokenize", {"POST"}),
        ("POST", "/v1/models", {"GET"}),
        ("POST", "/healthz", {"GET"}),
        ("DELETE", "/v1/responses/resp_1", {"GET"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_one(
    router: Router, session: ClientSession, method: str, path: str, allowed: set[str]
) -> None:
    answer = await send(session, method, router.url + path, bearer(CHAT_KEY))
    assert (answer.status, answer.error["code"]) == (405, "method_not_allowed")
    allow = answer.header("allow")
    assert allow is not None
    assert allowed <= {each.strip() for each in allow.split(",")} <= allowed | {"HEAD", "OPTIONS"}


async def test_a_query_goes_along(router: Router, session: ClientSession) -> None:
    with_query = Asked(f"{CHAT.path}?api-version=1", CHAT.fields)
    assert (await ask(session, router, with_query)).status == 200


async def test_stored_responses_come_from_stable(
    router: Router, session: ClientSession, stable: FakeEngine, candidate: FakeEngine
) -> None:
    for deployment in (DEPLOYMENT, OTHER):
        asked = MIRRORED["responses"]
        made = await ask(session, router, asked, raw=asked.raw(deployment))
        where = {"x-aftertune-deployment": deployment}
        kept = await get(session, router, "/v1/responses/resp_fake", **where)
        assert kept.status == 200
        assert json.loads(kept.body) == json.loads(made.body)
        cancelled = await send(
            session, "POST", f"{router.url}/v1/responses/resp_fake/cancel", bearer(CHAT_KEY) | where
        )
        assert cancelled.status == 200
    assert len(stable.seen) == len(candidate.seen) == 3
    missing = await get(session, router, "/v1/responses/resp_0", **{"x-aftertune-deployment": DEPLOYMENT})
    assert missing.status == 404
    assert "resp_0" in missing.error["message"]
    assert missing.header("x-aftertune-release") == "r-v1"


async def test_stored_responses_need_a_deployment_unless_there_is_but_one(
    router: Router, session: ClientSession, candidate: FakeEngine
) -> None:
    unclear = await get(session, router, "/v1/responses/resp_fake")
    assert unclear.status in (400, 404)
    assert "x-aftertune-deployment" in unclear.error["message"]
    hidden = bearer(SCOPED_KEY) | {"x-aftertune-deployment": DEPLOYMENT}
    answer = await send(session, "GET", f"{router.url}/v1/responses/resp_fake", hidden)
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert not candidate.seen
    await send(session, "GET", f"{router.url}/v1/responses/resp_fake", bearer(SCOPED_KEY))
    assert [seen.path for seen in candidate.seen] == ["/v1/responses/resp_fake"]


async def test_over_its_limit_a_key_is_told_when_to_come_again(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession
) -> None:
    router = await start(two(target(stable), target(candidate), requests_a_minute=1))
    asked = PASSED["tokenize"]
    answers = [await ask(session, router, asked, key=SCOPED_KEY, raw=asked.raw(OTHER)) for _ in range(3)]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    for answer in refused:
        assert answer.error["code"] == "rate_limit_exceeded"
        assert int(answer.header("retry-after") or 0) >= 1
    assert (await ask(session, router, asked)).status == 200, "other keys have limits of their own"


async def test_a_rollback_in_mid_stream_does_not_cut_the_stream(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable)))
    expected = (await ask(session, router, MIRRORED["chat stream"])).body
    stable.steps = asyncio.Semaphore(1)
    asking = asyncio.create_task(ask(session, router, MIRRORED["chat stream"]))
    stable.arrived.clear()
    await asyncio.wait_for(stable.arrived.wait(), 30)
    router.routing.accept(table(target(candidate), revision=2, generation=4))
    for _ in range(100):
        stable.steps.release()
    answer = await asking
    assert answer.body == expected
    assert answer.header("x-aftertune-generation") == "3"
    moved = await ask(session, router, CHAT)
    assert (moved.header("x-aftertune-release"), moved.header("x-aftertune-generation")) == ("r-v2", "4")
