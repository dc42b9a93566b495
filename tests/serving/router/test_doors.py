"""Every route of both ports, walked with every kind of credential."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession

from aftertune.values.exchange import ExchangeRole
from aftertune.values.route import RouterLease
from tests.fakes.engine import FakeEngine
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CHAT_KEY, CONTROL, body, records, settings, table, target

KEYS = {"none": None, "unknown": "at_unknown", "chat": CHAT_KEY, "control": CONTROL}
WALK = [
    ("data", "POST", "/v1/chat/completions", {"none": 401, "unknown": 401, "chat": 200, "control": 401}),
    ("data", "GET", "/v1/models", {"none": 401, "unknown": 401, "chat": 200, "control": 401}),
    ("data", "GET", "/healthz", {"none": 200, "unknown": 200, "chat": 200, "control": 200}),
    ("data", "GET", "/metrics", {"none": 404, "unknown": 404, "chat": 404, "control": 404}),
    ("data", "PUT", "/v1/routing", {"none": 404, "unknown": 404, "chat": 404, "control": 404}),
    ("data", "DELETE", "/v1/models", {"none": 405, "unknown": 405, "chat": 405, "control": 405}),
    ("admin", "POST", "/v1/chat/completions", {"none": 401, "unknown": 401, "chat": 403, "control": 200}),
    ("admin", "GET", "/v1/routing", {"none": 401, "unknown": 401, "chat": 403, "control": 200}),
    ("admin", "PUT", "/v1/routing", {"none": 401, "unknown": 401, "chat": 403, "control": 200}),
    ("admin", "GET", "/healthz", {"none": 200, "unknown": 200, "chat": 200, "control": 200}),
    ("admin", "GET", "/metrics", {"none": 200, "unknown": 200, "chat": 200, "control": 200}),
    ("admin", "GET", "/v1/models", {"none": 404, "unknown": 404, "chat": 404, "control": 404}),
]


async def test_the_walk(start: StartRouter, stable: FakeEngine, session: ClientSession) -> None:
    served = table(target(stable))
    router = await start(served)
    for port, method, path, expected in WALK:
        url = (router.url if port == "data" else router.admin_url) + path
        content = served.model_dump_json() if method == "PUT" else json.dumps(body())
        for who, status in expected.items():
            headers = {"x-aftertune-probe": "r-v1"}
            if key := KEYS[who]:
                headers["authorization"] = f"Bearer {key}"
            async with session.request(method, url, data=content, headers=headers) as answer:
                assert (port, method, path, who, answer.status) == (port, method, path, who, status)
                if status >= 400:
                    assert set((await answer.json())["error"]) == {"message", "type", "param", "code"}
                    assert answer.headers["x-request-id"]


async def test_a_probe_takes_a_client_s_path_and_is_never_mirrored(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable), target(candidate)))
    url = f"{router.admin_url}/v1/chat/completions"
    control = {"authorization": f"Bearer {CONTROL}"}
    async with session.post(url, json=body(), headers={**control, "x-aftertune-probe": "r-v1"}) as answer:
        assert answer.status == 200
        assert answer.headers["x-aftertune-release"] == "r-v1"
        assert answer.headers["x-aftertune-generation"] == "3"
        assert (await answer.json())["model"] == "v1"
    async with session.post(url, json=body(), headers=control) as answer:
        assert answer.status == 400
    home = router.routing._file.parent.parent
    ((header, _),) = records(home)
    assert (header.role, header.key, header.pair_id) == (ExchangeRole.PROBE, "controller", None)
    assert not candidate.seen


async def test_the_probe_header_means_nothing_on_the_data_port(
    start: StartRouter, stable: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable)))
    headers = {"authorization": f"Bearer {CHAT_KEY}", "x-aftertune-probe": "r-v1"}
    async with session.post(f"{router.url}/v1/chat/completions", json=body(), headers=headers) as answer:
        assert answer.status == 200
    ((header, _),) = records(router.routing._file.parent.parent)
    assert header.role is ExchangeRole.STABLE


async def test_pushes_take_effect_at_once_and_older_ones_are_refused(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession
) -> None:
    router = await start(table(target(stable), revision=5, generation=7))
    url, control = f"{router.admin_url}/v1/routing", {"authorization": f"Bearer {CONTROL}"}

    async def push(content: str) -> tuple[int, dict[str, object]]:
        async with session.put(url, data=content, headers=control) as answer:
            return answer.status, await answer.json()

    newer = table(target(candidate), revision=6, generation=8)
    status, lease = await push(newer.model_dump_json())
    assert (status, RouterLease.model_validate(lease)) == (200, router.lease())
    assert (lease["revision"], lease["generations"]) == (6, {"tasks": 8})
    for older in (
        table(target(stable), revision=5, generation=9),
        table(target(stable), revision=7, generation=7),
    ):
        status, _ = await push(older.model_dump_json())
        assert status == 409
    assert router.routing.table == newer
    assert (await push(newer.model_dump_json()))[0] == 200, "the same table again is harmless"
    assert (await push("{}"))[0] == 400
    shown = router.metrics.render().decode()
    assert "aftertune_routing_tables_refused_total 2.0" in shown
    assert "aftertune_routing_revision 6.0" in shown
    assert 'aftertune_route_generation{deployment="tasks"} 8.0' in shown


async def test_labels_are_ours_alone(start: StartRouter, stable: FakeEngine, session: ClientSession) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    from aftertune.telemetry import LABELS

    router = await start(table(target(stable)))
    headers = {"authorization": f"Bearer {CHAT_KEY}"}
    for model in ("tasks", "not-a-deployment"):
        url = f"{router.url}/v1/chat/completions"
        async with session.post(url, json={**body(), "model": model}, headers=headers):
            pass
    shown = router.metrics.render().decode()
    families = list(text_string_to_metric_families(shown))
    samples = [sample for family in families for sample in family.samples]
    assert {label for sample in samples for label in sample.labels} <= LABELS | {"le"}
    assert "not-a-deployment" not in shown
    counted = {
        (s.labels["deployment"], s.labels["code_class"]): s.value
        for s in samples
        if s.name == "aftertune_requests_total"
    }
    assert counted == {("tasks", "2xx"): 1.0, ("none", "4xx"): 1.0}


@pytest.mark.parametrize("taken", ["port", "admin_port", "name"])
async def test_what_is_taken_is_named(start: StartRouter, taken: str) -> None:
    from urllib.parse import urlsplit

    from aftertune.errors import BadInput
    from serving.router.app import Router

    first = await start()
    home = first.routing._file.parent.parent
    ports = {"port": urlsplit(first.url).port, "admin_port": urlsplit(first.admin_url).port}
    name = "router-1" if taken == "name" else "router-2"
    given: dict[str, Any] = {taken: ports[taken]} if taken in ports else {}
    with pytest.raises(BadInput, match="is in use" if taken in ports else "Another router") as refused:
        async with Router(settings(home, name=name, **given), CONTROL):
            pass
    assert f"AFTERTUNE_ROUTER__{taken.upper()}" in refused.value.remedy
