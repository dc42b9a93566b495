"""What opens a run besides the night: an engine that is ready, and a rollout in canary."""

import pytest

from aftertune.values.evaluation import RunState, Trigger, before_promotion_run
from aftertune.values.release import EngineState, ReleaseState
from aftertune.values.rollout import RolloutState, Stage
from evals.triggers import open_due
from tests.aftertune.samples import plan, rollout
from tests.evals.world import World
from tests.fakes.engine import FakeEngine


def opened(world: World) -> list[str]:
    return [run.id for run in open_due(world.store, "here", world.clock.now())]


def test_registration_waits_for_weights_and_engine(world: World) -> None:
    world.register("v1", "http://v1", "calls", "memory", state=ReleaseState.MERGING)
    assert opened(world) == []

    with world.store.write() as tx:
        tx.releases.save(tx.releases.get("v1").model_copy(update={"state": ReleaseState.READY}))
    world.engine("v1", "http://v1", EngineState.STARTING)
    assert opened(world) == []

    world.engine("v1", "http://v1")
    assert opened(world) == ["registration-v1-calls", "registration-v1-memory"]
    assert opened(world) == []


def test_a_release_without_suites_is_left_alone(world: World) -> None:
    world.register("v1", "http://v1")
    assert opened(world) == []


@pytest.mark.parametrize(
    ("stage", "state", "wanted"),
    [
        (Stage.SHADOW, RolloutState.RUNNING, False),
        (Stage.CANARY, RolloutState.RUNNING, True),
        (Stage.CANARY, RolloutState.PROMOTED, False),
        (Stage.CANARY, RolloutState.ABORTED, False),
    ],
)
def test_before_promotion_means_in_canary(
    world: World, stage: Stage, state: RolloutState, wanted: bool
) -> None:
    start(world, stage, state)
    name = before_promotion_run("r1", "calls")
    assert opened(world) == ([name] if wanted else [])
    assert opened(world) == []
    if wanted:
        run = world.run(name)
        assert (run.release, run.deployment, run.trigger) == ("v2", "tasks", Trigger.BEFORE_PROMOTION)


def start(world: World, stage: Stage, state: RolloutState) -> None:
    world.register("v1", "http://v1")
    world.register("v2", "http://v2")
    world.deploy("tasks", "v1")
    wanted = plan(evaluations=("calls",))
    with world.store.write() as tx:
        tx.rollouts.add(rollout(plan=wanted, stage=stage, state=state))


def test_a_second_rollout_of_the_same_candidate_is_measured_again(world: World, engine: FakeEngine) -> None:
    start(world, Stage.CANARY, RolloutState.RUNNING)
    engine.served_name = "v2"
    world.engine("v2", engine.url)
    world.step()
    with world.store.write() as tx:
        tx.rollouts.save(tx.rollouts.get("r1").model_copy(update={"state": RolloutState.ABORTED}))
        tx.rollouts.add(rollout("r2", plan=plan(evaluations=("calls",)), stage=Stage.CANARY))
    assert world.run(before_promotion_run("r1", "calls")).state is RunState.SUCCESSFUL
    assert opened(world) == [before_promotion_run("r2", "calls")]
