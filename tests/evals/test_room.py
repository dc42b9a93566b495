"""A run from registration to its end: real store, real HTTP, engines that fail on command."""

import threading
from typing import Any

import pytest

from aftertune.clock import ManualClock
from aftertune.engine import ChatAnswer
from aftertune.errors import Unavailable
from aftertune.store import Store
from aftertune.values.evaluation import RunState, Trigger
from aftertune.values.release import EngineState, ReleaseState
from evals.answering import Asker
from evals.runner import ENGINE_WAIT_S
from evals.scorers.tool_calls import StrictToolCalls
from tests.evals.world import World, served
from tests.fakes.engine import FakeEngine, Fault, Quality

REGISTRATION = "registration-v1-calls"


def test_a_registered_release_is_measured_by_itself_and_once(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    world.step()

    run = world.run(REGISTRATION)
    assert (run.state, run.trigger, run.done, run.samples, run.attempts) == (
        RunState.SUCCESSFUL,
        Trigger.REGISTRATION,
        20,
        20,
        1,
    )
    figures = {score.metric: (score.n, score.unmeasured, score.estimate) for score in run.scores}
    assert figures == {
        "json": (18, 0, 1.0),
        "tool": (18, 0, 1.0),
        "arguments": (18, 0, 1.0),
        "end_to_end": (18, 0, 1.0),
        "abstention": (2, 0, 1.0),
    }
    assert [gate.passed for gate in run.gates] == [True]
    assert "holds with 0.824 (point 1.000, n = 18)" in run.reason
    assert run.signature is not None
    assert (run.signature.weights, run.signature.scorers) == (
        "weights of v1",
        {"tool_calls.strict": "1"},
    )
    assert world.sample("aftertune_evaluation_score", **labels("end_to_end")) == 1.0
    assert world.sample("aftertune_evaluation_score_low", **labels("end_to_end")) == pytest.approx(
        0.824, abs=1e-3
    )
    assert (
        world.sample(
            "aftertune_evaluation_runs_total", suite="calls", trigger="registration", state="successful"
        )
        == 1.0
    )
    body = engine.seen[0].json
    assert (body["temperature"], body["max_tokens"], len(body["tools"])) == (0, 32, 1)

    world.step()
    assert (len(world.runs), len(engine.seen)) == (1, 20)


def labels(metric: str) -> dict[str, str]:
    return {"deployment": "", "suite": "calls", "trigger": "registration", "metric": metric}


def test_a_bad_release_fails_its_gate(world: World) -> None:
    with served("v1", Quality.BAD) as engine:
        world.register("v1", engine.url, "calls")
        world.step()

    run = world.run(REGISTRATION)
    assert run.state is RunState.FAILED
    assert "does not hold" in run.reason
    assert {s.metric: s.n for s in run.scores} == {
        "json": 18,
        "tool": 0,
        "arguments": 0,
        "end_to_end": 18,
        "abstention": 2,
    }
    answer = world.results(REGISTRATION)[0]
    assert (answer.scores, answer.error) == ({"json": 0.0, "end_to_end": 0.0}, "")
    assert "create_task" in answer.answer


def test_forgetting_is_measured_against_the_base_on_the_same_samples(
    world: World, engine: FakeEngine
) -> None:
    with served("base") as base, served("v2", Quality.BAD) as worse:
        world.register("base", base.url)
        world.register("v1", engine.url)
        world.register("v2", worse.url)
        world.ask_for("v1", "memory", "kept")
        world.ask_for("v2", "memory", "lost")
        world.step()

    kept, lost = world.run("kept"), world.run("lost")
    (same,), (less,) = kept.differences, lost.differences
    assert (kept.state, same.n, same.estimate, same.baseline) == (RunState.SUCCESSFUL, 20, 0.0, "base")
    assert same.smallest_detectable is not None
    assert 0.2 < same.smallest_detectable < 0.4
    assert (lost.state, less.estimate, len(less.flipped_down)) == (RunState.FAILED, -1.0, 20)
    assert kept.signature is not None
    assert kept.signature.baseline_weights == "weights of base"
    assert len(world.results("kept")) == 40


def test_without_a_base_there_is_an_error_with_a_remedy(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url)
    world.register("base", engine.url, base="/another")
    world.ask_for("v1", "memory")
    world.ask_for("base", "memory", "run-2")
    world.step()

    assert world.run().state is RunState.ERROR
    assert "aftertune release register base --base /base" in world.run().reason
    assert "is the base itself" in world.run("run-2").reason
    assert engine.seen == []


def test_an_unknown_suite_and_a_rejected_release_are_errors(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url)
    world.register("v2", engine.url, state=ReleaseState.REJECTED, reason="not proven")
    world.ask_for("v1", "chess", "unknown")
    world.ask_for("v2", "calls", "rejected")
    world.step()

    assert "Unknown suite 'chess'. Known: calls, manners, memory." in world.run("unknown").reason
    assert world.run("rejected").reason == "Release v2 was rejected: not proven"


@pytest.mark.parametrize(
    "fault", [Fault.SERVER_ERROR, Fault.GARBAGE, Fault.NOT_HTTP, Fault.CLOSE_EARLY, Fault.DIE]
)
def test_an_engine_that_fails_makes_an_error_not_a_failure(
    world: World, engine: FakeEngine, fault: Fault
) -> None:
    engine.fault = fault
    world.register("v1", engine.url, "calls")
    world.step()

    run = world.run(REGISTRATION)
    assert run.state is RunState.ERROR
    assert "samples are unmeasured, more than 5%" in run.reason
    assert "no answer in 3 tries" in run.reason
    assert all(score.unmeasured or not score.n for score in run.scores)
    assert len(engine.seen) < 20, "it gives up once too much is unmeasured"
    assert world.sample("aftertune_evaluation_score", **labels("json")) is None


def test_an_engine_that_hangs_is_left_soon(world: World, engine: FakeEngine, clock: ManualClock) -> None:
    """Every try takes the whole deadline: no second one is begun for a sample."""

    class Hanging:
        asked = 0

        def chat(self, *_: object, **__: object) -> ChatAnswer:
            self.asked += 1
            clock.advance(30)
            raise Unavailable(f"No answer in 30 s. {'x' * 5_000}")

    hanging = Hanging()
    asker = Asker(world.suites["calls"], world.judge, clock, world.stop, (0.0, 0.0))
    result = asker.ask("r", world.suites["calls"].samples[0], "v1", hanging, judged=False)

    assert hanging.asked == 1
    assert result.error.startswith("no answer in 1 try: No answer in 30 s.")
    assert len(result.error) < 600
    assert set(result.scores.values()) == {None}


def test_one_failed_request_is_asked_again(
    world: World, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = iter([Fault.SERVER_ERROR] * 3)
    real = engine._answer

    async def flaky(*arguments: Any) -> Any:
        engine.fault = next(failing, Fault.NONE)
        return await real(*arguments)

    monkeypatch.setattr(engine, "_answer", flaky)
    world.register("v1", engine.url, "calls")
    world.step()

    assert world.run(REGISTRATION).state is RunState.SUCCESSFUL
    assert len(engine.seen) == 23


def test_a_run_waits_for_its_engine_but_not_for_ever(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url)
    world.engine("v1", engine.url, EngineState.STARTING)
    world.ask_for("v1", "calls")
    world.step()
    assert world.run().state is RunState.QUEUED

    world.engine("v1", engine.url)
    world.step()
    assert world.run().state is RunState.SUCCESSFUL

    world.engine("v1", engine.url, EngineState.FAILED)
    world.ask_for("v1", "calls", "run-2")
    world.clock.advance(ENGINE_WAIT_S)  # in the queue: it could not miss its engine yet
    world.step()
    assert world.run("run-2").state is RunState.QUEUED
    world.clock.advance(ENGINE_WAIT_S)
    world.step()
    assert world.run("run-2").state is RunState.ERROR
    assert "The engine of v1 is failed. The run waited 600 s for it." in world.run("run-2").reason


def test_a_waiting_run_does_not_hold_up_the_next(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url)
    world.register("v0", engine.url)
    world.engine("v0", engine.url, EngineState.STARTING)
    world.ask_for("v0", "calls", "run-0")
    world.ask_for("v1", "calls")
    world.step()

    assert (world.run("run-0").state, world.run().state) == (RunState.QUEUED, RunState.SUCCESSFUL)


def test_a_stopped_run_is_resumed_by_sample(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url)
    world.ask_for("v1", "calls")
    engine.pause_s = 0.05

    def stop_soon() -> None:
        while len(engine.seen) < 5:
            world.stop.wait(0.005)
        world.stop.set()

    stopping = threading.Thread(target=stop_soon)
    stopping.start()
    world.step()
    stopping.join()
    assert world.run().state is RunState.RUNNING
    kept = world.results()
    assert 0 < len(kept) < 20

    world.stop.clear()
    world.restart()
    world.step()
    run = world.run()
    assert (run.state, run.attempts, run.done, len(world.results())) == (RunState.SUCCESSFUL, 2, 20, 20)
    assert [r for r in world.results() if r.sample in {k.sample for k in kept}] == kept
    assert len(engine.seen) <= 20 + 2 * 2, "only what was under way is asked again"


def test_a_run_is_not_resumed_into_another_measurement(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url)
    world.ask_for("v1", "calls")
    world.step()
    with world.store.write() as tx:
        halfway = tx.evaluations.get("run-1").model_copy(update={"state": RunState.RUNNING})
        tx.evaluations.save(halfway)
    suite = world.suites["calls"]
    world.suites = {"calls": suite._replace(card=suite.card.model_copy(update={"version": "2"}))}
    world.restart()
    world.step()

    assert world.run().state is RunState.ERROR
    assert world.run().reason == (
        "While the run was interrupted, this changed: suite_version. Run the suite again."
    )


def test_only_the_holder_of_the_lease_measures(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    with world.store.write() as tx:
        assert tx.leases.acquire(
            "evals", "elsewhere", world.clock.now(), world.clock.now().replace(year=2030)
        )
    world.step()
    assert world.runs == []


def test_who_loses_the_lease_in_a_run_leaves_it_to_the_other(
    world: World, engine: FakeEngine, store: Store, clock: ManualClock
) -> None:
    world.register("v1", engine.url)
    world.ask_for("v1", "calls")
    real = world.lease.take
    looks = iter([True, True, True, True])
    world.lease.take = lambda: next(looks, False) and real()  # type: ignore[method-assign]
    world.step()

    assert world.run().state is RunState.RUNNING
    world.restart("elsewhere")
    clock.advance(120)
    world.step()
    assert (world.run().state, world.run().attempts) == (RunState.SUCCESSFUL, 2)


def test_a_fault_of_ours_ends_its_run_and_no_other(
    world: World, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> dict[str, float]:
        raise KeyError("meaning")

    monkeypatch.setattr(StrictToolCalls, "score", broken)
    world.register("v1", engine.url)
    world.ask_for("v1", "calls")
    world.ask_for("v1", "manners", "run-2")
    world.step()

    assert (world.run().state, world.run("run-2").state) == (RunState.ERROR, RunState.SUCCESSFUL)
    assert world.run().reason == "Measuring it failed: KeyError: 'meaning'."


def test_suites_are_offered_and_past_scores_shown_after_a_start(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    world.step()
    world.restart()
    assert world.sample("aftertune_evaluation_score", **labels("end_to_end")) is None
    world.step()
    assert world.sample("aftertune_evaluation_score", **labels("end_to_end")) == 1.0
    with world.store.read() as tx:
        assert [card.name for card in tx.evaluations.suites()] == ["calls", "manners", "memory"]


def test_an_idle_look_writes_nothing(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url, "calls")
    world.step()
    with world.store.engine.connect() as connection:
        before = connection.exec_driver_sql("PRAGMA data_version").scalar()
        world.step()
        assert connection.exec_driver_sql("PRAGMA data_version").scalar() == before
