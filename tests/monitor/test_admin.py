"""The HTTP adapters: what a router or an engine answers, and every way in which it may not."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from aftertune.errors import Unavailable
from aftertune.values.route import RouterLease, RoutingTable
from monitor.admin import HttpRouterAdmin
from monitor.health import unhealthy
from monitor.push import push
from tests.aftertune.samples import release
from tests.fakes.engine import FakeEngine, Fault
from tests.monitor.world import engine

LEASE = RouterLease(router="router-1", admin_url="http://router-1", revision=3, generations={"tasks": 5})
TABLE = RoutingTable(revision=4)


def admin(answer: Callable[[httpx.Request], httpx.Response]) -> HttpRouterAdmin:
    return HttpRouterAdmin("http://router-1", httpx.Client(transport=httpx.MockTransport(answer)), "secret")


def test_a_lease_is_read_and_a_table_is_put_with_the_credential() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=LEASE.model_dump_json())

    router = admin(answer)

    assert (router.routing(), router.push(TABLE)) == (LEASE, LEASE)
    assert [(r.method, str(r.url)) for r in seen] == [
        ("GET", "http://router-1/v1/routing"),
        ("PUT", "http://router-1/v1/routing"),
    ]
    assert {r.headers["authorization"] for r in seen} == {"Bearer secret"}
    assert RoutingTable.model_validate_json(seen[1].content) == TABLE


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (refused, "does not answer: refused"),
        (lambda _: httpx.Response(409), "answered 409 to GET /v1/routing"),
        (lambda _: httpx.Response(200, json={"no": "lease"}), "answered something that is no lease"),
    ],
)
def test_anything_else_is_unavailable(answer: Callable[[httpx.Request], httpx.Response], what: str) -> None:
    with pytest.raises(Unavailable, match=what):
        admin(answer).routing()


def test_a_push_that_fails_is_told_and_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    other = LEASE.model_copy(update={"router": "router-2", "admin_url": "http://router-2"})

    def connect(admin_url: str) -> HttpRouterAdmin:
        if admin_url == "http://router-1":
            return admin(refused)
        return admin(lambda _: httpx.Response(200, content=LEASE.model_dump_json()))

    assert push(TABLE, [LEASE, other], connect) == 1
    assert push(TABLE, [], connect) == 0
    assert "Table 4 did not reach router-1" in caplog.text


async def test_an_engine_is_healthy_when_it_answers_now() -> None:
    async with FakeEngine("v1") as fake:
        running = engine("v1", url=fake.url)
        assert await asyncio.to_thread(unhealthy, release("v1"), running) == ""
        fake.fault = Fault.SERVER_ERROR
        assert "does not answer" in await asyncio.to_thread(unhealthy, release("v1"), running)


async def test_a_release_is_healthy_while_one_of_its_replicas_answers() -> None:
    async with FakeEngine("v1") as fake, FakeEngine("v1") as other:
        running = engine("v1", url=fake.url)
        replicated = release("v1", replicas=(other.url,))
        fake.fault = Fault.SERVER_ERROR
        assert await asyncio.to_thread(unhealthy, replicated, running) == ""
        other.fault = Fault.SERVER_ERROR
        assert "does not answer" in await asyncio.to_thread(unhealthy, replicated, running)
