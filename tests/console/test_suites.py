"""The gate: what a release owes before it meets users, and who may waive it."""

import pytest

from aftertune.values.evaluation import RunState, Trigger
from tests.console.conftest import Console
from tests.console.evidence import FAILED_RUN
from tests.console.seed import DEPLOYMENT, MODEL_PATH, ROLLOUT, plan

WAIVERS = "/v1/releases/v2/waivers"
WAIVER = {"suite": "tools", "reason": "the suite asks for a tool that v2 does not have"}


async def gate(console: Console, release: str) -> tuple[int, str, str]:
    """What making the release stable in a new deployment is answered."""
    answer = await console.post("operator", "/v1/deployments", {"name": "plant", "stable": release})
    body = answer.json()
    return answer.status_code, body.get("detail", ""), body.get("remedy", "")


def change_run(console: Console, **update: object) -> None:
    with console.store.write() as tx:
        tx.evaluations.save(tx.evaluations.get(FAILED_RUN).model_copy(update=update))


@pytest.mark.parametrize(
    ("update", "said", "remedy"),
    [
        ({}, "tools failed: exact is below its gate", "Register a better release"),
        ({"reason": ""}, "tools failed: exact: 0.40 on 118 samples", "/v1/releases/v2/waivers"),
        ({"state": RunState.RUNNING, "done": 7}, "tools is running (7 of 120 samples)", "Wait until GET"),
        ({"state": RunState.QUEUED, "samples": 0}, "tools is queued (not started)", FAILED_RUN),
        (
            {"state": RunState.ERROR, "reason": "no base is registered"},
            "tools could not be measured: no base is registered",
            "POST /v1/evaluations",
        ),
    ],
)
async def test_what_is_owed_is_told_apart(
    console: Console, update: dict[str, object], said: str, remedy: str
) -> None:
    change_run(console, **update)
    status, detail, told = await gate(console, "v2")
    assert status == 409
    assert said in detail
    assert remedy in told


async def test_a_suite_that_has_not_run(console: Console) -> None:
    with console.store.write() as tx:
        tx.releases.save(tx.releases.get("v1").model_copy(update={"suites": ("persona", "tools")}))
    status, detail, remedy = await gate(console, "v1")
    assert status == 409
    assert "persona has not run; tools has not run" in detail, "nightly runs do not open the gate"
    assert "suite persona" in remedy
    assert (await gate(console, "v3"))[0] == 201


async def test_the_newest_run_that_counts_decides(console: Console) -> None:
    """A run by hand after the one at registration; a nightly one after both changes nothing."""
    with console.store.write() as tx:
        failed = tx.evaluations.get(FAILED_RUN)
        for run, trigger, state in (
            ("ev-1", Trigger.BY_HAND, RunState.SUCCESSFUL),
            ("ev-2", Trigger.NIGHTLY, RunState.FAILED),
        ):
            console.clock.advance(1)
            update = {"id": run, "trigger": trigger, "state": state, "requested_at": console.clock.now()}
            tx.evaluations.add(failed.model_copy(update=update))
    assert (await gate(console, "v2"))[0] == 201
    view = (await console.get("viewer", "/v1/releases/v2")).json()
    assert view["evaluations"]["tools"]["id"] == "ev-2"
    assert [(s["suite"], s["standing"], s["run"]) for s in view["standings"]] == [
        ("tools", "successful", "ev-1")
    ]


async def test_a_rollout_starts_only_when_its_candidate_owes_nothing(console: Console) -> None:
    await console.post("operator", f"/v1/rollouts/{ROLLOUT}/abort", {"reason": "make room"})
    body = plan("v2").model_dump(mode="json")
    refused = await console.post("operator", "/v1/rollouts", body, key="try-v2-again")
    assert refused.status_code == 409
    assert "tools failed" in refused.json()["detail"]
    with console.store.read() as tx:
        assert tx.deployments.get(DEPLOYMENT).candidate is None
    assert (await console.post("approver", WAIVERS, WAIVER)).status_code == 201
    assert (await console.post("operator", "/v1/rollouts", body, key="try-v2-again")).status_code == 201


async def test_a_plan_names_known_suites(console: Console) -> None:
    await console.post("operator", f"/v1/rollouts/{ROLLOUT}/abort", {"reason": "make room"})
    body = plan("v3").model_dump(mode="json")
    refused = await console.post("operator", "/v1/rollouts", body | {"evaluations": ["tools", "mmlu"]})
    assert refused.status_code == 400
    assert refused.json()["remedy"] == "Known: forgetting, persona, tools."
    started = await console.post("operator", "/v1/rollouts", body | {"evaluations": ["tools"]})
    assert started.json()["rollout"]["plan"]["evaluations"] == ["tools"]
    page = (await console.get("viewer", f"/deployments/{DEPLOYMENT}")).text
    assert "Before promotion it must pass tools." in page


async def test_a_waiver_is_recorded_with_its_reason_once(console: Console) -> None:
    done = await console.post("approver", WAIVERS, WAIVER, key="waive-tools-1")
    assert done.status_code == 201
    assert done.json()["release"]["waived_suites"] == ["tools"]
    (standing,) = done.json()["standings"]
    assert (standing["standing"], standing["remedy"]) == ("waived", "")
    again = await console.post("approver", WAIVERS, WAIVER, key="waive-tools-1")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert (await console.post("approver", WAIVERS, WAIVER)).status_code == 409
    assert console.audited("waive_suite") == ["v2"]
    assert (await gate(console, "v2"))[0] == 201


async def test_waivers_that_are_refused(console: Console) -> None:
    assert (await console.post("operator", WAIVERS, WAIVER)).status_code == 403
    unknown = await console.post("approver", WAIVERS, WAIVER | {"suite": "persona"})
    assert unknown.json()["remedy"] == "Known: tools."
    passed = await console.post("approver", "/v1/releases/v3/waivers", WAIVER)
    assert "nothing to waive" in passed.json()["detail"]
    assert (await console.post("approver", WAIVERS, WAIVER | {"reason": " "})).status_code == 422
    with console.store.write() as tx:
        tx.releases.save(tx.releases.get("v2").model_copy(update={"created_by": "approver"}))
    own = await console.post("approver", WAIVERS, WAIVER)
    assert (own.status_code, own.json()["remedy"]) == (409, "Ask another approver.")
    assert console.audited("waive_suite") == []


async def test_paths_in_what_a_run_says_are_hidden(console: Console) -> None:
    change_run(console, state=RunState.ERROR, reason=f"no weights in '{MODEL_PATH}'")
    for path in ("/v1/releases/v2", "/releases/v2", "/releases", f"/v1/evaluations/{FAILED_RUN}"):
        assert "/srv/" not in (await console.get("viewer", path)).text, path
    assert MODEL_PATH in (await console.get("operator", f"/v1/evaluations/{FAILED_RUN}")).text
