"""What changes while a deployment serves: shadows, budgets, names in answers, capture."""

import json
from datetime import timedelta
from typing import Any

import pytest

from aftertune.identity import CONTROLLER
from aftertune.values.deployment import Act
from aftertune.values.release import ReleaseState
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT

PATH = f"/v1/deployments/{DEPLOYMENT}"
RULE = {
    "release": "v3",
    "share": 0.1,
    "budget": {
        "per_s": 5.0,
        "tokens_a_day": 1_000_000,
        "concurrency": 4,
        "windows": [{"since": "08:00:00", "until": "18:00:00"}],
    },
}


async def deployment(console: Console) -> dict[str, Any]:
    found: dict[str, Any] = (await console.get("viewer", PATH)).json()["deployment"]
    return found


async def test_a_shadow_comes_and_goes(console: Console) -> None:
    before = await deployment(console)
    woken = console.wakes.count
    body = {"generation": before["generation"], "shadows": [RULE], "reason": "try v3 by day"}
    changed = await console.patch("operator", PATH, body, key="shadow-v3-1")
    assert changed.status_code == 200, changed.text
    assert changed.json()["deployment"]["shadows"] == [RULE]
    assert changed.json()["deployment"]["generation"] == before["generation"] + 1
    assert console.wakes.count == woken + 1
    with console.store.read() as tx:
        entry = tx.audit.latest(1)[0]
    told = json.loads(entry.body)
    assert (entry.actor, entry.action, told["reason"]) == ("operator", "configure", "try v3 by day")
    assert (told["before"]["shadows"], told["after"]["shadows"]) == ([], [RULE])

    again = await console.patch("operator", PATH, body, key="shadow-v3-1")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    stale = await console.patch("operator", PATH, body)
    assert (stale.status_code, stale.json()["title"]) == (409, "Stale generation")
    gone = await console.patch("operator", PATH, {"shadows": []})
    assert gone.json()["deployment"]["shadows"] == []
    assert console.audited("configure") == [DEPLOYMENT, DEPLOYMENT]


@pytest.mark.parametrize(
    ("release", "status", "said"),
    [
        ("v1", 409, "stable release"),
        ("v2", 409, "candidate"),
        ("v4", 409, "quarantine"),
        ("v9", 404, "v9"),
    ],
)
async def test_what_cannot_be_a_shadow(console: Console, release: str, status: int, said: str) -> None:
    refused = await console.patch("operator", PATH, {"shadows": [{"release": release}]})
    assert refused.status_code == status
    assert said in refused.json()["detail"]
    assert console.audited("configure") == []


async def test_a_rule_outlives_its_releases_quarantine_and_no_unready_release_gets_one(
    console: Console,
) -> None:
    assert (await console.patch("operator", PATH, {"shadows": [RULE]})).status_code == 200
    with console.store.write() as tx:
        tx.releases.quarantine("v3", "leaks addresses", console.clock.now())
        tx.releases.save(tx.releases.get("v0").model_copy(update={"state": ReleaseState.MERGING}))
    changed = await console.patch("operator", PATH, {"shadows": [RULE | {"share": 0.2}]})
    assert changed.status_code == 200
    refused = await console.patch("operator", PATH, {"shadows": [RULE, {"release": "v0"}]})
    assert (refused.status_code, "merging" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    "body",
    [
        {"shadows": [RULE | {"share": 1.5}]},
        {"shadows": [{"release": f"r{n}"} for n in range(9)]},
        {"budget": {"per_s": 0}},
        {"budget": {"windows": [{"since": "25:00", "until": "01:00"}]}},
        {"capture": "none"},
        {"fall_back": True},
        {"reason": ""},
    ],
)
async def test_settings_out_of_range_or_unknown_are_refused(console: Console, body: object) -> None:
    assert (await console.patch("operator", PATH, body)).status_code == 422


async def test_budget_and_name_change_one_by_one(console: Console) -> None:
    changed = await console.patch("operator", PATH, {"rename": True})
    assert changed.json()["deployment"]["rename"] is True
    changed = await console.patch("operator", PATH, {"budget": {"tokens_a_day": 5}})
    assert changed.json()["deployment"]["budget"]["tokens_a_day"] == 5
    assert changed.json()["deployment"]["rename"] is True
    idle = await console.patch("operator", PATH, {"rename": True})
    assert (idle.status_code, "already" in idle.json()["detail"]) == (409, True)


async def test_capture_is_for_approvers_and_needs_a_reason(console: Console) -> None:
    body = {"capture": "metadata", "reason": "works council"}
    refused = await console.post("operator", f"{PATH}/capture", body)
    assert (refused.status_code, "approver" in refused.json()["remedy"]) == (403, True)
    assert (await console.post("approver", f"{PATH}/capture", {"capture": "none"})).status_code == 422
    testing = await console.post("approver", f"{PATH}/capture", body)
    assert (testing.status_code, "payloads" in testing.json()["detail"]) == (409, True)

    await console.post("operator", "/v1/deployments", {"name": "plant", "stable": "v3"})
    changed = await console.post("approver", "/v1/deployments/plant/capture", body)
    assert changed.json()["deployment"]["capture"] == "metadata"
    assert console.audited("configure") == ["plant"]


async def test_pages_show_shadows_and_where_answers_come_from(console: Console) -> None:
    await console.patch("operator", PATH, {"shadows": [RULE]})
    page = (await console.get("viewer", f"/deployments/{DEPLOYMENT}")).text
    assert "10 % of requests, 5 a second, 1000000 tokens a day, 4 at once, 08:00–18:00 UTC" in page
    assert "Answers come from" not in page

    now = console.clock.now()
    with console.store.write() as tx:
        known = next(known for known in tx.routing.routers() if known.lease.router == "router-1")
        lease = known.lease.model_copy(update={"fallen_back": {DEPLOYMENT: "v0"}})
        tx.routing.renew(lease, now + timedelta(seconds=10))
    shown = (await console.get("viewer", PATH)).json()["stand_in"]
    assert shown == {"release": "v0", "routers": ["router-1"], "since": None}

    with console.store.write() as tx:
        tx.audit.append(now, CONTROLLER.name, Act.FALL_BACK, DEPLOYMENT, {"from": "v1", "to": "v0"})
    for path in ("/", f"/deployments/{DEPLOYMENT}"):
        page = (await console.get("viewer", path)).text
        assert f"Answers come from v0, previous good, since {now:%Y-%m-%d %H:%M:%S} UTC." in page
        assert "router-1" in page
