"""The controller on a real database: forward inside an approved plan, back by itself."""

import json
from datetime import timedelta

import pytest

from aftertune.audit import verify
from aftertune.clock import ManualClock
from aftertune.errors import Conflict, Unavailable
from aftertune.store import Store
from aftertune.values.rollback import RollbackState
from aftertune.values.rollout import RolloutState, Stage
from aftertune.values.route import Mode
from aftertune.values.verdict import Outcome
from monitor.controller import LEASE_S
from tests.monitor.world import World, engine


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    return World(store, clock, ("router-1", "router-2"))


def test_the_first_tick_publishes_and_pushes(world: World) -> None:
    world.tick()

    for router in world.routers.values():
        route = router.table.route("tasks")
        assert route is not None
        assert route.stable.release == "v1"


def test_an_idle_tick_writes_nothing(world: World) -> None:
    world.start_rollout()
    world.tick(3)
    with world.store.engine.connect() as connection:
        before = connection.exec_driver_sql("PRAGMA data_version").scalar()
        world.controller.tick()
        assert connection.exec_driver_sql("PRAGMA data_version").scalar() == before


def test_a_healthy_candidate_goes_all_the_way(world: World) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    world.tick()

    assert (world.deployment.mode, world.deployment.share) == (Mode.CANARY, 0.2)
    assert (world.rollout().state, world.rollout().stage) == (RolloutState.RUNNING, Stage.CANARY)
    route = world.routers["http://router-2"].table.route("tasks")
    assert route is not None
    assert route.candidate is not None

    world.answers(9)
    world.tick()
    assert world.deployment.mode is Mode.CANARY

    world.answers(1)
    world.tick()
    after = world.deployment
    assert (after.stable, after.previous_good, after.candidate) == ("v2", "v1", None)
    assert world.rollout().state is RolloutState.PROMOTED
    assert world.actions == [
        "create",
        "start_shadow",
        "verdict",
        "start_canary",
        "verdict",
        "promote",
    ]
    with world.store.read() as tx:
        assert verify(tx.audit.entries()).ok
        promotion = tx.audit.latest(1)[0]
    assert json.loads(promotion.body)["approvers"] == ["ada", "ben"]


def test_a_failed_candidate_is_held_then_waived_then_rolled_back_by_itself(world: World) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(60, candidate=0.0)
    world.tick()
    held = world.rollout()
    assert (held.state, held.stage) == (RolloutState.HELD, Stage.SHADOW)
    assert "worse by more than the margin" in world.rollout().reason

    world.tick(3)
    assert world.rollout() == held

    world.override()
    world.tick()
    assert world.deployment.mode is Mode.CANARY

    world.answers(2)
    world.answers(10, valid=0.0)
    world.tick()

    back = world.rollback("auto-r1")
    assert back.state is RollbackState.COMPLETED
    assert (back.from_release, back.to_release, back.automatic) == ("v2", "v1", True)
    assert back.first_bad_at is not None
    assert back.switched_at is not None
    assert back.finished_at is not None
    assert back.first_bad_at < back.requested_at <= back.switched_at <= back.finished_at
    assert [proof.router for proof in back.proofs if proof.ok] == ["router-1", "router-2"]
    after = world.deployment
    assert (after.stable, after.candidate, after.mode) == ("v1", None, Mode.NONE)
    assert after.generation == back.generation
    assert world.quarantined == {"v2"}
    assert world.rollout().state is RolloutState.ROLLED_BACK
    assert world.actions == [
        "create",
        "start_shadow",
        "verdict",
        "held",
        "verdict",
        "start_canary",
        "verdict",
        "rollback_intended",
        "roll_back",
        "quarantine",
        "rollback_completed",
    ]
    with world.store.read() as tx:
        (causing,) = [json.loads(entry.body) for entry in tx.audit.latest(5) if entry.action == "verdict"]
        stored = tx.verdicts.of("r1")[0]
    assert (causing["decision"], causing["evidence"]) == ("roll_back", stored.evidence)
    assert (stored.outcome, stored.waived) == (Outcome.FAIL, ("comparison valid_answer",))
    sample = world.metrics.registry.get_sample_value
    assert sample("aftertune_rollbacks_total", {"state": "completed"}) == 1.0


@pytest.mark.parametrize(("good", "bad"), [("v2", "v3"), ("v3", "v2")])
def test_swapping_the_candidates_swaps_the_outcome(world: World, good: str, bad: str) -> None:
    world.start_rollout(bad, "bad")
    world.approve("ada", "ben", name="bad")
    world.override("bad")
    world.tick()
    world.answers(10, valid=0.0, release=bad)
    world.tick()
    world.promote(good, "good")

    assert world.rollout("good").state is RolloutState.PROMOTED
    assert world.rollout("bad").state is RolloutState.ROLLED_BACK
    assert (world.deployment.stable, world.quarantined) == (good, {bad})


def test_a_comparison_that_fails_in_canary_rolls_back(world: World) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    world.tick()
    world.pairs(100, candidate=0.0)
    world.tick()

    assert world.rollout().state is RolloutState.ROLLED_BACK
    assert world.rollback("auto-r1").first_bad_at is None


@pytest.mark.parametrize("approvers", [(), ("ada",)])
def test_fewer_than_two_approvals_wait(world: World, approvers: tuple[str, ...]) -> None:
    world.start_rollout()
    world.approve(*approvers)
    world.pairs(100)
    world.tick(3)

    assert world.deployment.mode is Mode.SHADOW
    assert world.rollout().state is RolloutState.RUNNING


def test_the_requester_cannot_approve(world: World) -> None:
    world.start_rollout()
    with pytest.raises(Conflict):
        world.approve("olga")


def test_an_approval_of_another_plan_does_not_count(world: World) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    with world.store.write() as tx:
        changed = tx.rollouts.get("r1")
        tx.rollouts.save(changed.model_copy(update={"plan": changed.plan.model_copy(update={"alpha": 0.2})}))
    world.pairs(100)
    world.tick()

    assert world.deployment.mode is Mode.SHADOW


def test_a_freeze_blocks_promotion_but_not_rollback(world: World) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    world.tick()
    world.freeze()
    world.answers(12)
    world.tick(2)
    assert (world.deployment.stable, world.deployment.mode) == ("v1", Mode.CANARY)

    world.answers(40, valid=0.0)
    world.tick()
    assert world.deployment.mode is Mode.NONE
    assert world.rollback("auto-r1").state is RollbackState.COMPLETED
    assert world.deployment.frozen == "audit week"


def test_a_quarantined_candidate_gets_no_users(world: World) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    world.quarantine("v2")
    world.tick(2)

    assert world.deployment.mode is Mode.SHADOW


def test_a_canary_that_is_put_in_quarantine_goes_back(world: World) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    world.tick()
    world.answers(12)
    world.quarantine("v2")
    world.tick()

    assert (world.deployment.stable, world.deployment.candidate) == ("v1", None)
    back = world.rollback("auto-r1")
    assert (back.state, back.from_release) == (RollbackState.COMPLETED, "v2")
    assert back.reason == "v2 is in quarantine: leaks addresses."


@pytest.mark.parametrize("stage", [Stage.SHADOW, Stage.CANARY])
def test_without_a_ready_engine_nothing_goes_forward_until_it_is_back(world: World, stage: Stage) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    if stage is Stage.CANARY:
        world.tick()
        world.answers(12)
    with world.store.write() as tx:
        tx.releases.save_engine(engine("v2", state="failed"))
    before = world.deployment
    world.tick(2)
    assert world.deployment == before

    with world.store.write() as tx:
        tx.releases.save_engine(engine("v2"))
    world.tick()
    assert world.deployment.generation == before.generation + 1


def test_a_quarantine_between_the_look_and_the_act_stops_the_act(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    real = world.controller._measuring.measure

    def quarantine_meanwhile(*arguments: object) -> object:
        measured = real(*arguments)  # type: ignore[arg-type]
        monkeypatch.undo()
        world.quarantine("v2")
        return measured

    monkeypatch.setattr(world.controller._measuring, "measure", quarantine_meanwhile)
    world.tick(2)

    assert world.deployment.mode is Mode.SHADOW
    assert "verdict" not in world.actions


def test_past_its_deadline_an_undecided_stage_is_held(world: World) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.clock.advance(601)
    world.tick()

    assert world.rollout().state is RolloutState.HELD
    assert "No decision after 600 s in shadow" in world.rollout().reason


def test_verdicts_are_stored_when_they_say_something_new(world: World) -> None:
    world.start_rollout()
    world.tick(3)
    world.pairs(1)
    world.tick()
    with world.store.read() as tx:
        assert len(tx.verdicts.of("r1")) == 1
    world.pairs(9)
    world.tick(3)
    with world.store.read() as tx:
        assert [v.measurements[0].n for v in tx.verdicts.of("r1")] == [10, 0]
    world.pairs(90)
    world.tick(3)
    with world.store.read() as tx:
        assert [v.outcome for v in tx.verdicts.of("r1")] == [
            Outcome.PASS,
            Outcome.INCONCLUSIVE,
            Outcome.INCONCLUSIVE,
        ]


def test_one_broken_rollout_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    real = world.controller._measuring.measure

    with world.store.write() as tx:
        other = tx.rollouts.get("r1").model_copy(update={"id": "r0", "created_at": world.clock.now()})
        tx.rollouts.add(other.model_copy(update={"created_at": other.created_at - timedelta(days=1)}))

    def measure(tx: object, rollout: object, at: object) -> object:
        if getattr(rollout, "id", "") == "r0":
            raise ZeroDivisionError("a fault in the judge")
        return real(tx, rollout, at)  # type: ignore[arg-type]

    monkeypatch.setattr(world.controller._measuring, "measure", measure)
    world.tick(3)

    assert world.deployment.mode is Mode.CANARY
    assert [r.message for r in caplog.records if "r0" in r.message] == [
        "Rollout r0 failed in this tick; it is tried again."
    ]


def test_only_the_holder_of_the_lease_acts(world: World) -> None:
    with world.store.write() as tx:
        now = world.clock.now()
        tx.leases.acquire("controller", "there:8082", now, now + timedelta(seconds=LEASE_S))
    world.tick()
    assert not world.routers["http://router-1"].table.routes

    world.clock.advance(LEASE_S)
    world.tick()
    assert world.routers["http://router-1"].table.routes


def test_a_restarted_controller_takes_its_lease_up_at_once(world: World) -> None:
    world.tick()
    world.restart()
    world.start_rollout()
    world.tick()

    route = world.routers["http://router-1"].table.route("tasks")
    assert route is not None
    assert route.mode is Mode.SHADOW


def test_a_change_by_somebody_else_is_seen_at_the_next_tick(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    real = world.controller._measuring.measure

    def freeze_meanwhile(*arguments: object) -> object:
        measured = real(*arguments)  # type: ignore[arg-type]
        monkeypatch.undo()
        world.freeze()
        return measured

    monkeypatch.setattr(world.controller._measuring, "measure", freeze_meanwhile)
    world.tick(2)

    assert (world.deployment.mode, world.deployment.frozen) == (Mode.SHADOW, "audit week")
    assert "start_canary" not in world.actions
    assert world.actions.count("verdict") == 0


def test_a_missing_database_is_told_to_the_loop(world: World) -> None:
    world.tick()
    with world.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE rollouts RENAME TO hidden")

    with pytest.raises(Unavailable):
        world.tick()


def test_a_candidate_whose_engine_fails_leaves_the_table_at_once(world: World) -> None:
    world.start_rollout()
    world.tick()
    with world.store.write() as tx:
        tx.releases.save_engine(engine("v2", state="failed"))
    world.tick()

    route = world.routers["http://router-1"].table.route("tasks")
    assert route is not None
    assert route.mode is Mode.NONE
