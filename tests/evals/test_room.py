"""A run from registration to its end: real store, real HTTP, engines that fail on command."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aftertune.clock import ManualClock
from aftertune.errors import Unavailable
from aftertune.store import Store
from aftertune.store.evaluations import EvaluationTable
from aftertune.values.evaluation import RunState, SampleResult, Trigger
from aftertune.values.release import EngineState, ReleaseState
from evals.conclusion.conclude import Conclusion, conclude
from evals.harness.runner import ENGINE_WAIT_S
from evals.scorers import SCORERS
from evals.suite.suite import Suite, load_suites
from tests.evals.world import SAID, World, asks, served, write_suite
from tests.fakes.engine import FakeEngine, Fault, Quality, Script

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
    parsed = {name: figure for name, figure in figures.items() if "raw" not in name and "parser" not in name}
    assert parsed == {
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
        {"tool_calls.strict": SCORERS["tool_calls.strict"].version},
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
    reached = {s.metric: s.n for s in run.scores}
    assert [reached[name] for name in ("json", "tool", "arguments", "end_to_end", "abstention")] == [
        *(18, 0, 0, 18, 2)
    ]
    answer = world.results(REGISTRATION)[0]
    assert (answer.scores, answer.error) == ({"json": 0.0, "end_to_end": 0.0}, "")
    assert answer.answers[0].tool_calls[0].name == "create_task"


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
    assert kept.signature.baselines == {"base": "weights of base"}
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
    ("fault", "said"),
    [
        (Fault.SERVER_ERROR, "no answer in 3 tries"),
        (Fault.NOT_HTTP, "no answer in 3 tries"),
        (Fault.CLOSE_EARLY, "no answer in 3 tries"),
        (Fault.DIE, "no answer in 3 tries"),
        (Fault.GARBAGE, "no answer in 1 try"),
        (Fault.BAD_REQUEST, "no answer in 1 try"),
    ],
)
def test_an_engine_that_fails_makes_an_error_not_a_failure(
    world: World, engine: FakeEngine, fault: Fault, said: str
) -> None:
    engine.fault = fault
    world.register("v1", engine.url, "calls")
    world.step()

    run = world.run(REGISTRATION)
    assert run.state is RunState.ERROR
    assert "samples are unmeasured, more than 5%" in run.reason
    assert said in run.reason
    assert all(score.unmeasured or not score.n for score in run.scores)
    assert len(engine.seen) < 20 * 3, "it gives up once too much is unmeasured"
    assert world.sample("aftertune_evaluation_score", **labels("json")) is None


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
    looks = iter([True])
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
    def broken(suite: Suite, *rest: Any) -> Conclusion:
        if suite.card.name == "calls":
            raise KeyError("meaning")
        return conclude(suite, *rest)

    monkeypatch.setattr("evals.harness.runner.conclude", broken)
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


def test_a_run_that_takes_too_long_ends(world: World, engine: FakeEngine) -> None:
    engine.fault = Fault.HANG
    world.run_s = 0.3
    world.restart()
    world.register("v1", engine.url, "calls")
    world.step()

    assert world.run(REGISTRATION).state is RunState.ERROR
    assert "The run took longer than 0.3 s. Raise" in world.run(REGISTRATION).reason


def test_a_database_that_goes_away_is_waited_for(
    world: World, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, writes = EvaluationTable.add_results, iter([False, True])

    def failing(table: EvaluationTable, results: Sequence[SampleResult]) -> None:
        if next(writes, False):
            raise Unavailable("The database is away.")
        real(table, results)

    monkeypatch.setattr(EvaluationTable, "add_results", failing)
    world.register("v1", engine.url)
    world.ask_for("v1", "calls")
    with pytest.raises(Unavailable, match="is away"):
        world.step()
    assert world.run().state is RunState.RUNNING
    world.step()
    assert (world.run().state, world.run().done, len(world.results())) == (RunState.SUCCESSFUL, 20, 20)


def test_cut_off_answers_are_counted(world: World, engine: FakeEngine) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "length"}
    whole = {"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 32}}
    headers = (("content-type", "application/json"),)
    engine.script = Script((json.dumps(whole).encode(),), headers=headers)
    world.register("v1", engine.url)
    world.ask_for("v1", "manners")
    world.step()

    run = world.run()
    assert (run.state, run.progress.truncated) == (RunState.SUCCESSFUL, 4)
    assert run.forecast is not None
    assert (run.forecast.requests, run.forecast.answer_tokens) == (4, 128)


def test_the_last_good_release_is_what_users_have(world: World, engine: FakeEngine, tmp_path: Path) -> None:
    exact = {"kind": "exact_match", "answers": [SAID]}
    samples = [asks(f"k-{n}", f"Say {n}", exact) for n in range(9)]
    write_suite(tmp_path / "suites", "kept", samples, "exact_match", "exact", "score_low", 0.1, "last_good")
    world.suites = load_suites(tmp_path / "suites")
    world.restart()
    with served("v2") as newer:
        world.register("v1", engine.url)
        world.register("v2", newer.url)
        world.ask_for("v2", "kept", "before")
        world.step()
        world.deploy("shop", "v1")
        world.ask_for("v2", "kept", "after")
        world.ask_for("v1", "kept", "itself")
        world.step()

    before, after, itself = (world.run(name) for name in ("before", "after", "itself"))
    assert [run.state for run in (before, after, itself)] == [RunState.SUCCESSFUL] * 3
    assert after.signature is not None
    assert after.signature.roles == {"last_good": "v1"}
    assert [(each.baseline, each.n) for each in after.differences] == [("v1", 9)]
    assert before.differences == itself.differences == (), "nobody had another one"
    assert after.progress.total == 18
