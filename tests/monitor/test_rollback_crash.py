"""A rollback whose controller crashes: at any step, and the next tick ends in the same state."""

import pytest

from aftertune.audit import verify
from aftertune.clock import ManualClock
from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.values.release import EngineState
from aftertune.values.rollback import RollbackState
from aftertune.values.route import Mode
from tests.monitor.world import Crash, CrashingStore, FakeRouter, World, engine, in_canary_with_bad_answers


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    return World(store, clock, ("router-1", "router-2"))


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
    dying = CrashingStore(world.store.engine.url.render_as_string(hide_password=False), at, committed)
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
