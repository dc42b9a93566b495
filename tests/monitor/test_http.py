"""The interface: every endpoint × every credential, and what the endpoints do."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from aftertune.clock import ManualClock
from aftertune.identity import Permission, Role
from aftertune.store import Store
from aftertune.values.route import KeyGrant, RouterLease, RoutingTable
from monitor.http import Interface, Public
from monitor.metrics import Metrics

CONTROL = "the rooms' own credential"
LEASE = RouterLease(router="router-1", admin_url="http://r1", revision=0, generations={"tasks": 2})
BODIES = {"/v1/routers/lease": LEASE.model_dump_json(), "/v1/alerts": '{"version": "4", "alerts": []}'}


@pytest.fixture
def woken() -> threading.Event:
    return threading.Event()


@pytest.fixture
def interface(store: Store, clock: ManualClock, woken: threading.Event) -> Interface:
    with store.write() as tx:
        for role in Role:
            tx.users.add(role, frozenset({role}), f"token of {role}", clock.now())
        tx.users.add("gone", frozenset(Role), "token of gone", clock.now())
        tx.users.disable("gone", clock.now())
    return Interface(store, clock, Metrics().registry, control_token=CONTROL, lease_s=10.0, wake=woken.set)


@pytest.fixture
def client(interface: Interface) -> TestClient:
    return TestClient(interface.app())


def call(client: TestClient, method: str, path: str, token: str | None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return client.request(method, path, headers=headers, content=BODIES.get(path))


def test_every_endpoint_is_walked_with_every_credential(interface: Interface, client: TestClient) -> None:
    people = [f"token of {role}" for role in Role]
    for endpoint in interface.endpoints():
        statuses = {
            token: call(client, endpoint.method, endpoint.path, token).status_code
            for token in (None, "", "unknown", "token of gone", *people, CONTROL)
        }
        if isinstance(endpoint.access, Public):
            assert endpoint.access.reason
            assert set(statuses.values()) == {200}
            continue
        assert endpoint.access is Permission.CONTROL
        assert [statuses[t] for t in (None, "", "unknown", "token of gone")] == [401] * 4
        assert {statuses[t] for t in people} == {403}
        assert statuses[CONTROL] in (200, 202)


def test_only_reading_is_public_and_nothing_else_is_served(interface: Interface, client: TestClient) -> None:
    public = {(e.method, e.path) for e in interface.endpoints() if isinstance(e.access, Public)}

    assert public == {("GET", "/healthz"), ("GET", "/metrics"), ("GET", "/v1/routers/targets")}
    for path in ("/", "/docs", "/openapi.json", "/v1/routing", "/v1/routers"):
        assert call(client, "GET", path, CONTROL).status_code == 404
    for path in ("/v1/wake", "/v1/routers/lease", "/v1/alerts"):
        assert call(client, "GET", path, CONTROL).status_code == 405


def test_a_poll_renews_the_lease_and_brings_the_table(
    client: TestClient, store: Store, clock: ManualClock
) -> None:
    with store.write() as tx:
        table = tx.routing.publish(RoutingTable(revision=0, keys={"h": KeyGrant(name="ann")}), clock.now())

    answer = call(client, "POST", "/v1/routers/lease", CONTROL)

    assert RoutingTable.model_validate_json(answer.content) == table
    with store.read() as tx:
        (known,) = tx.routing.routers()
    assert (known.lease, known.until) == (LEASE, clock.now() + timedelta(seconds=10))


def test_prometheus_finds_the_routers(client: TestClient, store: Store, clock: ManualClock) -> None:
    for router, minutes in (("router-2", 0), ("router-1", 4), ("long-gone", 6)):
        lease = LEASE.model_copy(update={"router": router, "admin_url": f"http://{router}:8090"})
        with store.write() as tx:
            tx.routing.renew(lease, clock.now() - timedelta(minutes=minutes))

    answer = client.get("/v1/routers/targets")

    assert answer.json() == [{"targets": ["router-1:8090", "router-2:8090"]}]


def test_a_wake_up_wakes(client: TestClient, woken: threading.Event) -> None:
    assert call(client, "POST", "/v1/wake", CONTROL).status_code == 202
    assert woken.is_set()


@pytest.mark.parametrize("body", ["", "no json", '{"router": "router-1"}', "[]"])
def test_a_wrong_lease_is_a_described_problem(client: TestClient, body: str) -> None:
    headers = {"Authorization": f"Bearer {CONTROL}"}

    answer = client.post("/v1/routers/lease", content=body, headers=headers)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("The lease is wrong at ")


def test_a_missing_database_is_503(client: TestClient, store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE routers")

    answer = call(client, "POST", "/v1/routers/lease", CONTROL)

    assert (answer.status_code, answer.json()["title"]) == (503, "Unavailable")


def test_a_missing_credential_is_asked_for(client: TestClient) -> None:
    assert call(client, "POST", "/v1/wake", None).headers["www-authenticate"] == "Bearer"


def test_metrics_are_prometheus_text(client: TestClient) -> None:
    assert "aftertune_routing_revision" in client.get("/metrics").text
