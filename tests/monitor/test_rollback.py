"""Rollbacks: one switch, replayable at every step, proven through every router."""

import threading

import pytest

from aftertune.audit import verify
from aftertune.clock import ManualClock
from aftertune.errors import Conflict
from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.values.release import EngineKind, EngineState
from aftertune.values.rollback import RollbackState
from aftertune.values.rollout import RolloutState
from aftertune.values.route import Mode
from tests.monitor.world import Crash, CrashingStore, FakeRouter, World, engine


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    return World(store, clock, ("router-1", "router-2"))


def test_by_hand_to_previous_good(world: World) -> None:
    world.promote("v2", "r1")
    world.ask_back()
    world.tick()

    back = world.rollback()
    assert back.state is RollbackState.COMPLETED
    assert (back.from_release, back.to_release) == ("v2", "v1")
    assert (world.deployment.stable, world.deployment.previous_good) == ("v1", None)
    assert world.quarantined == {"v2"}
    for router in world.routers.values():
        assert len(router.conversations) >= 4
        assert router.claims == {"v1"}


def test_by_hand_while_a_candidate_is_tested(world: World) -> None:
    world.start_rollout()
    world.tick()
    world.ask_back()
    world.tick()

    assert (world.deployment.stable, world.deployment.candidate) == ("v1", None)
    assert world.rollout().state is RolloutState.ROLLED_BACK
    assert world.rollback().rollout == "r1"
    assert world.quarantined == {"v2"}


def test_to_a_named_release(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.ask_back(to_release="v1")
    world.tick()

    assert world.deployment.stable == "v1"
    assert world.deployment.previous_good == "v2"
    assert world.quarantined == {"v3"}


def test_passed_over_releases_are_in_the_audit_log(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.sick.add("v2")
    world.ask_back()
    world.tick()

    assert world.deployment.stable == "v1"
    with world.store.read() as tx:
        (entry,) = [entry for entry in tx.audit.latest(9) if entry.action == "roll_back"]
    assert '"passed_over":[{"reason":"it does not answer","release":"v2"}]' in entry.body


@pytest.mark.parametrize("to", ["", "v0"])
def test_without_an_eligible_target_nothing_changes(world: World, to: str) -> None:
    world.tick()
    before, table = world.deployment, world.routers["http://router-1"].table
    world.ask_back(to_release=to)
    world.tick(2)

    back = world.rollback()
    assert back.state is RollbackState.FAILED
    assert "v1 keeps serving; nothing was changed. Page a person." in back.outcome
    assert world.deployment == before
    assert world.routers["http://router-1"].table == table
    assert world.quarantined == set()
    assert world.actions[-2:] == ["rollback_intended", "rollback_failed"]


def test_a_router_that_cannot_be_reached_makes_it_partial_and_is_named(world: World) -> None:
    world.promote("v2", "r1")
    world.routers["http://router-2"].deaf = True
    world.ask_back()
    world.tick()

    back = world.rollback()
    assert back.state is RollbackState.PARTIAL
    assert "1 of 2 routers are unproven. router-2: It is at generation 4, not 5." in back.outcome
    assert [(p.router, p.ok) for p in back.proofs] == [("router-1", True), ("router-2", False)]
    assert world.deployment.stable == "v1"
    assert world.actions[-1] == "rollback_partial"


def test_a_router_that_answers_with_other_weights_is_unproven(world: World) -> None:
    world.promote("v2", "r1")
    world.routers["http://router-1"].impostor = "v2"
    world.ask_back()
    world.tick()

    (proof, _) = world.rollback().proofs
    assert (proof.ok, proof.fingerprint_matches, proof.probes) == (False, 0, 4)
    assert proof.reason == "0 of 4 answers match the engine's fingerprint."
    assert world.rollback().state is RollbackState.PARTIAL


def test_without_a_live_router_nothing_is_proven(world: World) -> None:
    world.promote("v2", "r1")
    world.clock.advance(4000)
    world.ask_back()
    world.tick()

    back = world.rollback()
    assert back.state is RollbackState.PARTIAL
    assert "No live router could prove the switch." in back.outcome
    assert "their lease has ended: router-1, router-2" in back.outcome


def test_an_engine_that_is_not_ours_is_proven_by_headers(world: World) -> None:
    world.promote("v2", "r1")
    with world.store.write() as tx:
        tx.releases.save_engine(engine("v1", kind=EngineKind.EXTERNAL, fingerprint=()))
    world.ask_back()
    world.tick()

    assert world.rollback().state is RollbackState.COMPLETED
    assert world.rollback().proofs[0].reason == "By headers: no fingerprint is known."


def test_two_requests_make_one_switch(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.ask_back("b1")
    world.ask_back("b2")
    world.tick()

    assert world.deployment.stable == "v2"
    assert [world.rollback(name).state for name in ("b1", "b2")] == [RollbackState.COMPLETED] * 2
    assert "Rollback b1 made the switch." in world.rollback("b2").outcome
    assert world.rollback("b2").generation == world.rollback("b1").generation
    assert world.actions.count("roll_back") == 1


def test_a_later_request_switches_again(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.ask_back("b1")
    world.tick()
    world.clock.advance(1)
    world.ask_back("b2")
    world.tick()

    assert world.deployment.stable == "v1"
    assert world.quarantined == {"v2", "v3"}


def test_a_second_request_with_another_target_is_told_to_ask_again(world: World) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    world.ask_back("b1")
    world.ask_back("b2", to_release="v1")
    world.tick()

    assert world.deployment.stable == "v2"
    assert world.rollback("b2").state is RollbackState.FAILED
    assert "Rollback b1 went to v2 first." in world.rollback("b2").outcome


@pytest.mark.parametrize("names", [("b1", "b1"), ("b1", "b2")])
def test_racing_threads_make_one_switch(world: World, names: tuple[str, str]) -> None:
    world.promote("v2", "r1")
    world.promote("v3", "r2")
    for name in sorted(set(names)):
        world.ask_back(name)
    start = threading.Barrier(2)
    surprises: list[BaseException] = []

    def race(name: str) -> None:
        start.wait()
        try:
            world.rollbacks.drive(name)
        except Conflict:
            pass
        except BaseException as error:  # noqa: BLE001  (shown below)
            surprises.append(error)

    threads = [threading.Thread(target=race, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.tick()

    assert surprises == []
    assert world.deployment.stable == "v2"
    assert world.actions.count("roll_back") == 1
    assert {world.rollback(name).state for name in names} == {RollbackState.COMPLETED}
    with world.store.read() as tx:
        assert verify(tx.audit.entries()).ok


def final_state(world: World) -> dict[str, object]:
    back = world.rollback("auto-r1")
    with world.store.read() as tx:
        chain = verify(tx.audit.entries())
        promotions = [(p.release, p.generation) for p in tx.deployments.promotions("tasks")]
    return {
        "deployment": world.deployment,
        "rollback": (back.state, back.from_release, back.to_release, back.generation, len(back.proofs)),
        "rollout": world.rollout().state,
        "quarantined": world.quarantined,
        "actions": world.actions,
        "promotions": promotions,
        "routes": [router.table.routes for router in world.routers.values()],
        "chain": chain.ok,
    }


def in_canary_with_bad_answers(world: World) -> World:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    world.tick()
    assert world.deployment.mode is Mode.CANARY
    world.answers(10, valid=0.0)
    return world


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """How it ends when nothing goes wrong."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('undisturbed') / 'aftertune.db'}")
    upgrade(store.engine)
    undisturbed = in_canary_with_bad_answers(World(store, ManualClock(), ("router-1", "router-2")))
    undisturbed.tick()
    state = final_state(undisturbed)
    store.close()
    return state


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("at", range(1, 7))
def test_a_crash_at_any_step_ends_in_the_same_state(
    world: World, expected: dict[str, object], at: int, committed: bool
) -> None:
    in_canary_with_bad_answers(world)
    dying = CrashingStore(str(world.store.engine.url), at, committed)
    world.clock.advance(20)
    world.restart(dying)
    with pytest.raises(Crash):
        world.tick()
    dying.close()
    world.restart()
    world.tick(2)

    assert dying.writes == at
    assert final_state(world) == expected


@pytest.mark.parametrize("method", ["push", "routing", "chat"])
def test_a_crash_while_routers_are_asked_ends_in_the_same_state(
    world: World, expected: dict[str, object], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_canary_with_bad_answers(world)

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(FakeRouter, method, crash)
        with pytest.raises(Crash):
            world.tick()
    world.restart()
    world.tick(2)

    assert final_state(world) == expected


def test_a_database_that_fails_once_is_answered_by_the_next_tick(
    world: World, expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_canary_with_bad_answers(world)

    def broken(*_: object) -> None:
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setattr("monitor.rollback.choose", broken)
        world.tick()
    assert world.rollback("auto-r1").state is RollbackState.INTENDED
    world.tick()

    assert final_state(world) == expected


def test_while_a_rollback_is_under_way_its_rollout_does_not_move(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.start_rollout()
    world.approve("ada", "ben")
    world.pairs(100)
    world.ask_back()

    def broken(*_: object) -> None:
        raise OSError("network")

    monkeypatch.setattr("monitor.rollback.choose", broken)
    world.tick(3)

    assert world.deployment.mode is Mode.SHADOW
    assert world.rollback().state is RollbackState.INTENDED


def test_stable_is_the_target_of_a_canary_even_when_its_engine_is_away(world: World) -> None:
    in_canary_with_bad_answers(world)
    world.sick.add("v1")
    with world.store.write() as tx:
        tx.releases.save_engine(engine("v1", state=EngineState.FAILED))
    world.tick()

    assert (world.deployment.stable, world.deployment.mode) == ("v1", Mode.NONE)
