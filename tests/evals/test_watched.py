"""The nightly watch in the room: read from stored nights, kept in the run, shown by gauges, and still there after a start."""

from collections.abc import Sequence

import pytest

from aftertune.store import Transaction
from aftertune.values.evaluation import Budget, EvaluationRun, Forgotten, RunState, Trigger
from aftertune.values.watch import Outcome
from evals.conclusion.slices import Slice
from evals.conclusion.watch import Night, gated
from evals.nights import Nights, read_night
from evals.watched import watched
from tests.evals.world import World
from tests.fakes.engine import FakeEngine, Quality

DAY_S = 86_400.0
NIGHT = {"deployment": "tasks", "suite": "calls", "metric": "end_to_end"}


def a_night(world: World) -> None:
    world.clock.advance(DAY_S)
    world.step()


def gauge(world: World) -> float | None:
    return world.sample("aftertune_evaluation_watch", **NIGHT)


def test_a_fall_that_nobody_made_is_found_and_stands(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    world.deploy("tasks", "v1")
    world.step()
    assert gauge(world) is None, "the registration's run is the reference, and no night"
    assert world.run("registration-v1-calls").watch is None

    for _ in range(3):
        a_night(world)
        assert gauge(world) == 0.0
    watch = world.runs[0].watch
    assert watch is not None
    assert (watch.outcome, watch.reference, watch.nights) == (Outcome.QUIET, "registration-v1-calls", 3)

    engine.quality = Quality.BAD
    a_night(world)
    fell = world.runs[0]
    assert (fell.trigger, fell.state) == (Trigger.NIGHTLY, RunState.FAILED)
    assert fell.watch is not None
    assert fell.watch.alarm is not None
    assert (fell.watch.alarm.metric, fell.watch.alarm.run) == ("end_to_end", fell.id)
    assert gauge(world) == 1.0

    world.restart()
    world.step()
    assert gauge(world) == 1.0, "a start does not end an alert"


def test_a_night_that_measured_nothing_is_no_alarm(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    world.deploy("tasks", "v1")
    world.step()
    a_night(world)
    with world.store.write() as tx:
        tx.releases.save(tx.releases.get("v1").model_copy(update={"suites": ("calls", "chess")}))
    a_night(world)
    unknown = next(run for run in world.runs if run.suite == "chess")
    assert (unknown.state, unknown.watch) == (RunState.ERROR, None)

    night = next(run for run in world.runs if run.trigger is Trigger.NIGHTLY and run.suite == "calls")
    run = night.model_copy(update={"scores": (), "signature": None})
    with world.store.read() as tx:
        read = watched(tx, world.suites, run, Nights())
    assert read is not None
    assert (read.outcome, read.alarm) == (Outcome.NOT_MEASURED, None)


def test_budgets_are_gauges_of_the_baseline_that_lost_most(world: World, engine: FakeEngine) -> None:
    def budget(baseline: str, spent: float | None) -> Budget:
        return Budget(
            skill="facts",
            metric="right/facts",
            baseline=baseline,
            margin=0.05,
            spent=spent,
            spent_at_most=None,
            left=None,
            n=40,
            smallest_detectable=None,
            state=Forgotten.UNKNOWN,
        )

    world.register("v1", engine.url)
    world.ask_for("v1", "calls")
    world.step()
    run = world.run()
    labels = {"deployment": "", "suite": "calls", "trigger": "by_hand", "metric": "right/facts"}
    world.metrics.show(run.model_copy(update={"budgets": (budget("v0", 0.01), budget("base", 0.03))}))
    assert world.sample("aftertune_evaluation_budget_spent", **labels) == 0.03
    assert world.sample("aftertune_evaluation_budget_margin", **labels) == 0.05
    assert world.sample("aftertune_evaluation_score_high", **labels | {"metric": "end_to_end"}) == 1.0
    world.metrics.show(run.model_copy(update={"budgets": (budget("v0", None),)}))
    assert world.sample("aftertune_evaluation_budget_spent", **labels) is None


def test_nights_that_were_read_are_not_read_again_and_say_the_same(
    world: World, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.register("v1", engine.url, "calls")
    world.deploy("tasks", "v1")
    world.step()
    for _ in range(4):
        a_night(world)
    newest = world.runs[0]
    suite = world.suites["calls"]
    read: list[str] = []

    def counted(tx: Transaction, run: EvaluationRun, cuts: Sequence[Slice]) -> Night:
        read.append(run.id)
        return read_night(tx, run, cuts)

    monkeypatch.setattr("evals.nights.read_night", counted)
    once, forgetful = Nights(), Nights(most=1)
    with world.store.read() as tx:
        first, again, forgotten = (
            watched(tx, world.suites, newest, nights) for nights in (once, once, forgetful)
        )
        assert first == again == forgotten == newest.watch
        assert sorted(read) == sorted(2 * [run.id for run in world.runs if run.id != newest.id])
        for run in world.runs:
            assert once.night(tx, run, gated(suite)) == read_night(tx, run, gated(suite))


def test_what_was_not_measured_is_kept_as_such(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    world.step()
    (run,) = world.runs
    cuts = gated(world.suites["calls"])
    with world.store.write() as tx:
        stored = tx.evaluations.results(run.id)
        lost = stored[0].model_copy(update={"scores": dict.fromkeys(stored[0].scores), "run": "ev-lost"})
        rest = [each.model_copy(update={"run": "ev-lost"}) for each in stored[2:]]
        other = run.model_copy(update={"id": "ev-lost"})
        tx.evaluations.add(other)
        tx.evaluations.add_results([lost, *rest])
    nights = Nights()
    with world.store.read() as tx:
        first, kept = (nights.night(tx, other, cuts) for _ in range(2))
    assert first == kept
    scores = first.scores[cuts[0].name]
    assert scores[lost.sample] is None
    assert stored[1].sample not in scores
