"""A rollback is asked for once, and only when there is somewhere to go."""

from aftertune.deployments import aborted, commit
from aftertune.values.deployment import Act
from aftertune.values.rollback import RollbackState
from console.rollback_choice import rollback_choice
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT, ROLLOUT

PATH = f"/v1/deployments/{DEPLOYMENT}/rollback"
WHY = {"reason": "wrong arguments"}


def drop_candidate(console: Console) -> None:
    with console.store.write() as tx:
        before = tx.deployments.get(DEPLOYMENT)
        commit(tx, Act.ABORT, before, aborted(before), actor="controller", at=console.clock.now())


async def test_the_key_names_the_rollback(console: Console) -> None:
    assert (await console.post("operator", PATH, WHY)).status_code == 422
    ordered = await console.post("operator", PATH, WHY, key="incident-42")
    assert ordered.status_code == 202
    assert ordered.headers["location"] == "/v1/rollbacks/incident-42"
    rollback = ordered.json()
    assert (rollback["state"], rollback["actor"], rollback["automatic"]) == ("requested", "operator", False)
    assert (rollback["from_release"], rollback["to_release"], rollback["rollout"]) == ("v2", "", ROLLOUT)
    assert console.wakes.count == 1

    again = await console.post("operator", PATH, WHY, key="incident-42")
    assert (again.status_code, again.json()) == (202, rollback)
    assert (await console.get("viewer", "/v1/rollbacks/incident-42")).json() == rollback
    assert console.audited("request_rollback") == [DEPLOYMENT]
    listed = await console.get("viewer", f"/v1/deployments/{DEPLOYMENT}/rollbacks")
    assert [r["id"] for r in listed.json()] == ["incident-42", "rb-seeded"]


async def test_a_key_that_was_used_otherwise(console: Console) -> None:
    await console.post("operator", PATH, WHY, key="incident-42")
    other = await console.post("operator", PATH, {"reason": "another"}, key="incident-42")
    assert other.json()["title"] == "Idempotency key reused"
    taken = await console.post("operator", PATH, WHY, key="rb-seeded")
    assert taken.status_code == 409


async def test_two_people_cannot_go_back_two_steps(console: Console) -> None:
    await console.post("operator", PATH, WHY, key="incident-42")
    second = await console.post("approver", PATH, WHY, key="incident-43")
    assert second.status_code == 409
    assert "/v1/rollbacks/incident-42" in second.json()["remedy"]


async def test_what_is_left_must_still_be_in_use(console: Console) -> None:
    drop_candidate(console)
    answer = await console.post("operator", PATH, WHY | {"leaving": "v2"}, key="incident-42")
    assert answer.status_code == 409
    assert "would leave v1 now" in answer.json()["detail"]


async def test_without_a_candidate_the_stable_release_is_left(console: Console) -> None:
    drop_candidate(console)
    for to in ("v2", "v1", "v4"):
        assert (
            await console.post("operator", PATH, WHY | {"to": to}, key=f"incident-{to}")
        ).status_code == 409
    ordered = await console.post("operator", PATH, WHY | {"to": "v0"}, key="incident-v0")
    assert (ordered.json()["from_release"], ordered.json()["to_release"]) == ("v1", "v0")


async def test_nothing_to_go_back_to(console: Console) -> None:
    drop_candidate(console)
    with console.store.write() as tx:
        tx.releases.quarantine("v0", "leaked a name", console.clock.now())
    answer = await console.post("operator", PATH, WHY, key="incident-42")
    assert answer.status_code == 409
    assert "v0 is in quarantine: leaked a name" in answer.json()["detail"]
    with console.store.read() as tx:
        assert tx.rollbacks.unfinished() == []


async def test_a_freeze_does_not_block_a_rollback(console: Console) -> None:
    await console.post("operator", f"/v1/deployments/{DEPLOYMENT}/freeze", {"reason": "holiday"})
    assert (await console.post("operator", PATH, WHY, key="incident-42")).status_code == 202


async def test_targets_in_order_of_preference(console: Console) -> None:
    drop_candidate(console)
    with console.store.read() as tx:
        deployment, promotions = tx.deployments.get(DEPLOYMENT), tx.deployments.promotions(DEPLOYMENT)
    more = [
        promotions[0]._replace(release="v5", generation=9),
        promotions[0]._replace(release="v0", generation=8),
        *promotions,
    ]
    choice = rollback_choice(deployment, more, {"v0": "leaked"})
    assert choice.leaving == "v1"
    assert [(t.release, t.generation, t.obstacle) for t in choice.targets] == [
        ("v0", 8, "in quarantine: leaked"),
        ("v5", 9, ""),
    ]
    assert choice.best
    assert choice.best.release == "v5"


async def test_a_progress_page_reloads_until_the_end(console: Console) -> None:
    await console.post("operator", PATH, WHY, key="incident-42")
    page = f"/deployments/{DEPLOYMENT}/rollbacks/incident-42"
    assert 'http-equiv="refresh"' in (await console.get("viewer", page)).text
    with console.store.write() as tx:
        rollback = tx.rollbacks.get("incident-42")
        tx.rollbacks.save(rollback.model_copy(update={"state": RollbackState.PARTIAL}))
    ended = (await console.get("viewer", page)).text
    assert 'http-equiv="refresh"' not in ended
    assert "did not prove the switch" in ended
    other = await console.get("viewer", "/deployments/other/rollbacks/incident-42")
    assert other.status_code == 404
