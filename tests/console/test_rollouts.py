"""A rollout's plan is approved by two others; only the comparison can be waived."""

import pytest

from aftertune.deployments import aborted, commit, created
from aftertune.values.deployment import Act
from aftertune.values.exchange import CapturePolicy
from aftertune.values.rollback import RollbackState
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT, ROLLOUT, plan


async def start(console: Console, user: str = "operator", key: str | None = None) -> dict[str, object]:
    """Abort the seeded rollout, then start one of v3."""
    await console.post("operator", f"/v1/rollouts/{ROLLOUT}/abort", {"reason": "make room"})
    body = plan("v3").model_dump(mode="json")
    answer = await console.post(user, "/v1/rollouts", body, key)
    assert answer.status_code == 201, answer.text
    view: dict[str, object] = answer.json()
    return view


async def test_a_rollout_starts_as_shadow_in_one_transaction(console: Console) -> None:
    view = await start(console, key="try-v3-now")
    assert view["plan_digest"] == plan("v3").digest()
    assert view["approved"] is False
    rollout = view["rollout"]
    assert isinstance(rollout, dict)
    assert (rollout["requester"], rollout["stage"], rollout["baseline"]) == ("operator", "shadow", "v1")
    with console.store.read() as tx:
        deployment = tx.deployments.get(DEPLOYMENT)
    assert (deployment.candidate, deployment.mode, deployment.rollout) == ("v3", "shadow", rollout["id"])

    body = plan("v3").model_dump(mode="json")
    again = await console.post("operator", "/v1/rollouts", body, "try-v3-now")
    assert again.json()["rollout"]["id"] == rollout["id"]
    other = await console.post("operator", "/v1/rollouts", body | {"alpha": 0.01}, "try-v3-now")
    assert other.json()["title"] == "Idempotency key reused"
    assert (await console.post("operator", "/v1/rollouts", body)).status_code == 409
    listed = await console.get("viewer", f"/v1/rollouts?deployment={DEPLOYMENT}")
    assert [r["state"] for r in listed.json()] == ["running", "aborted"]
    assert len((await console.get("viewer", "/v1/rollouts")).json()) == 2


@pytest.mark.parametrize(("candidate", "status"), [("v4", 409), ("v1", 409), ("unknown", 404)])
async def test_candidates_that_cannot_be_tried(console: Console, candidate: str, status: int) -> None:
    await console.post("operator", f"/v1/rollouts/{ROLLOUT}/abort", {"reason": "make room"})
    answer = await console.post("operator", "/v1/rollouts", plan(candidate).model_dump(mode="json"))
    assert answer.status_code == status
    with console.store.read() as tx:
        assert tx.rollouts.open() == []
        assert tx.deployments.get(DEPLOYMENT).candidate is None


async def test_two_other_people_approve_the_plan(console: Console) -> None:
    path = f"/v1/rollouts/{ROLLOUT}/approvals"
    digest = {"plan": plan().digest()}
    assert (await console.post("approver", path, {"plan": "0" * 64})).status_code == 409
    first = await console.post("approver", path, digest)
    assert (first.status_code, first.json()["approved"]) == (201, False)
    assert (await console.post("approver", path, digest)).status_code == 409
    second = await console.post("approver-2", path, digest)
    assert second.json()["approved"] is True
    assert console.audited("approve_plan") == [DEPLOYMENT, DEPLOYMENT]


async def test_who_asked_cannot_approve_even_as_an_approver(console: Console) -> None:
    issued = await console.post("admin", "/v1/users", {"name": "both", "roles": ["operator", "approver"]})
    console.seeded.tokens["both"] = issued.json()["token"]
    view = await start(console, user="both")
    rollout = view["rollout"]
    assert isinstance(rollout, dict)
    answer = await console.post(
        "both", f"/v1/rollouts/{rollout['id']}/approvals", {"plan": view["plan_digest"]}
    )
    assert answer.status_code == 409
    assert "cannot approve" in answer.json()["detail"]


async def test_who_acts_cannot_be_said_in_the_body(console: Console) -> None:
    body = {"plan": plan().digest(), "approver": "approver-2"}
    assert (await console.post("approver", f"/v1/rollouts/{ROLLOUT}/approvals", body)).status_code == 422


async def test_only_the_comparison_can_be_waived(console: Console) -> None:
    path = f"/v1/rollouts/{ROLLOUT}/overrides"
    for check in ("guardrail", "errors", "invalid_answers"):
        refused = await console.post("approver", path, {"check": check, "reason": "hurry"})
        assert refused.status_code == 400
        assert "guardrails cannot be waived" in refused.json()["detail"]
    unknown = await console.post("approver", path, {"check": "latency", "reason": "hurry"})
    assert "Known: comparison" in unknown.json()["remedy"]
    body = {"check": "comparison", "reason": "a demonstration"}
    done = await console.post("approver", path, body, key="waive-once")
    assert done.json()["rollout"]["overrides"][0]["actor"] == "approver"
    assert (await console.post("approver", path, body, key="waive-once")).status_code == 201
    assert (await console.post("approver", path, body)).status_code == 409


async def test_a_finished_rollout_cannot_be_changed(console: Console) -> None:
    done = await console.post(
        "operator", f"/v1/rollouts/{ROLLOUT}/abort", {"reason": "enough"}, key="stop-it-1"
    )
    assert done.json()["rollout"]["state"] == "aborted"
    again = await console.post(
        "operator", f"/v1/rollouts/{ROLLOUT}/abort", {"reason": "enough"}, key="stop-it-1"
    )
    assert again.status_code == 200
    assert (
        await console.post("operator", f"/v1/rollouts/{ROLLOUT}/abort", {"reason": "x"})
    ).status_code == 409
    late = await console.post("approver", f"/v1/rollouts/{ROLLOUT}/approvals", {"plan": plan().digest()})
    assert late.status_code == 409
    with console.store.read() as tx:
        assert tx.deployments.get(DEPLOYMENT).candidate is None


async def test_a_rollout_that_its_deployment_left_cannot_be_aborted(console: Console) -> None:
    with console.store.write() as tx:
        before = tx.deployments.get(DEPLOYMENT)
        commit(tx, Act.ABORT, before, aborted(before), actor="controller", at=console.clock.now())
    answer = await console.post("operator", f"/v1/rollouts/{ROLLOUT}/abort", {"reason": "x"})
    assert answer.status_code == 409


@pytest.mark.parametrize("state", [state for state in RollbackState if not state.final])
async def test_while_a_rollback_is_under_way_its_rollout_is_not_aborted(
    console: Console, state: RollbackState
) -> None:
    await order_rollback(console, state)
    path = f"/v1/rollouts/{ROLLOUT}/abort"
    refused = await console.post("operator", path, {"reason": "x"}, key="abort-it-1")
    assert refused.status_code == 409
    assert "/v1/rollbacks/incident-42" in refused.json()["remedy"]
    with console.store.read() as tx:
        assert tx.rollouts.get(ROLLOUT).state == "running"
        assert tx.deployments.get(DEPLOYMENT).candidate == "v2"

    finish_rollback(console)
    assert (await console.post("operator", path, {"reason": "x"}, key="abort-it-1")).status_code == 200


async def test_while_a_rollback_is_under_way_no_rollout_starts(console: Console) -> None:
    await order_rollback(console, RollbackState.SWITCHED)
    with console.store.write() as tx:
        before = tx.deployments.get(DEPLOYMENT)
        commit(tx, Act.ROLL_BACK, before, aborted(before), actor="controller", at=console.clock.now())
    body = plan("v3").model_dump(mode="json")
    refused = await console.post("operator", "/v1/rollouts", body)
    assert refused.status_code == 409
    assert "/v1/rollbacks/incident-42" in refused.json()["remedy"]
    with console.store.read() as tx:
        assert tx.deployments.get(DEPLOYMENT).candidate is None

    finish_rollback(console)
    assert (await console.post("operator", "/v1/rollouts", body)).status_code == 201


async def test_a_rollback_of_another_deployment_is_in_nobodys_way(console: Console) -> None:
    await order_rollback(console, RollbackState.INTENDED)
    await console.post("operator", "/v1/deployments", {"name": "plant", "stable": "v1"})
    body = plan("v3").model_dump(mode="json") | {"deployment": "plant"}
    started = await console.post("operator", "/v1/rollouts", body)
    assert started.status_code == 201
    path = f"/v1/rollouts/{started.json()['rollout']['id']}/abort"
    assert (await console.post("operator", path, {"reason": "x"})).status_code == 200


@pytest.mark.parametrize("capture", [CapturePolicy.NONE, CapturePolicy.METADATA])
async def test_what_keeps_no_payload_cannot_be_judged(console: Console, capture: CapturePolicy) -> None:
    with console.store.write() as tx:
        plant = created("plant", "v1", capture)
        commit(tx, Act.CREATE, None, plant, actor="operator", at=console.clock.now())
    body = plan("v3").model_dump(mode="json") | {"deployment": "plant"}
    refused = await console.post("operator", "/v1/rollouts", body)
    assert refused.status_code == 409
    assert str(capture) in refused.json()["detail"]
    assert "'full'" in refused.json()["remedy"]
    with console.store.read() as tx:
        assert tx.deployments.get("plant") == plant


async def order_rollback(console: Console, state: RollbackState) -> None:
    path = f"/v1/deployments/{DEPLOYMENT}/rollback"
    ordered = await console.post("operator", path, {"reason": "wrong arguments"}, key="incident-42")
    assert ordered.status_code == 202
    move_rollback(console, state)


def finish_rollback(console: Console) -> None:
    move_rollback(console, RollbackState.FAILED)


def move_rollback(console: Console, state: RollbackState) -> None:
    with console.store.write() as tx:
        tx.rollbacks.save(tx.rollbacks.get("incident-42").model_copy(update={"state": state}))
