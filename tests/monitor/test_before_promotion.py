"""The suites of a plan stand between canary and promotion."""

import pytest

from aftertune.clock import ManualClock
from aftertune.store import Store
from aftertune.values.evaluation import RunState, Trigger
from aftertune.values.rollout import RolloutState, Stage
from aftertune.values.route import Mode
from tests.monitor.world import World


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    return World(store, clock)


def in_canary_with_a_suite(world: World) -> World:
    world.start_rollout(evaluations=("calls",))
    world.approve("ada", "ben")
    world.pairs(100)
    world.tick()
    assert world.deployment.mode is Mode.CANARY
    world.answers(20)
    world.tick()
    return world


def test_promotion_waits_for_the_suites_of_the_plan(world: World) -> None:
    in_canary_with_a_suite(world)
    for state in (RunState.QUEUED, RunState.RUNNING):
        world.evaluated(state)
        world.tick()
        assert world.rollout().state is RolloutState.RUNNING

    world.evaluated(RunState.SUCCESSFUL)
    world.tick()
    assert world.rollout().state is RolloutState.PROMOTED


def test_a_failed_suite_holds_the_canary(world: World) -> None:
    in_canary_with_a_suite(world)
    world.evaluated(RunState.FAILED)
    world.tick()

    held = world.rollout()
    assert (held.state, held.stage) == (RolloutState.HELD, Stage.CANARY)
    assert held.reason == "The suite calls failed. It is failed."
    assert world.deployment.mode is Mode.CANARY


def test_another_rollouts_run_does_not_count(world: World) -> None:
    """The candidate passed in a rollout that was aborted; what it promotes on is measured in its own."""
    in_canary_with_a_suite(world)
    world.abort()
    world.evaluated(RunState.SUCCESSFUL)
    world.start_rollout(name="r2", evaluations=("calls",))
    world.approve("ada", "ben", name="r2")
    world.pairs(100)
    world.tick()
    world.answers(20)
    world.tick()

    assert world.rollout("r2").state is RolloutState.RUNNING


@pytest.mark.parametrize("state", [RunState.SUCCESSFUL, RunState.FAILED])
def test_a_run_by_hand_stands_in_for_one_that_could_not_be_measured(world: World, state: RunState) -> None:
    in_canary_with_a_suite(world)
    world.evaluated(RunState.SUCCESSFUL, Trigger.BY_HAND)
    world.clock.advance(1)
    world.evaluated(RunState.ERROR)
    world.tick()
    assert world.rollout().state is RolloutState.RUNNING, "an older one does not"

    world.evaluated(state, Trigger.BY_HAND)
    world.tick()
    expected = RolloutState.PROMOTED if state is RunState.SUCCESSFUL else RolloutState.HELD
    assert world.rollout().state is expected
