"""A stored run scored again: byte for byte the same, or it says what changed and why it will not."""

from dataclasses import replace

import pytest

from aftertune.errors import BadInput
from aftertune.values.evaluation import RunState
from evals.archive.rescore import rescored, suite_of
from evals.archive.run_file import document
from evals.scorers.scorer import Given, Scorer, Scores
from evals.suite.sample import Sample
from tests.evals.archive.conftest import Measured
from tests.evals.world import World
from tests.fakes.engine import FakeEngine, Fault


@pytest.mark.parametrize("suite", ["calls", "memory", "manners"])
def test_nothing_changed_is_the_same_bytes(
    measured: Measured, others: None, world: World, suite: str
) -> None:
    """Also of judgements, of a baseline, and of answers that are missing."""
    file = measured(suite)
    again = rescored(file, suite_of(file.run, world.suites))
    assert document(again.file) == document(file)
    assert again.changed == {}


def test_what_could_not_be_answered_stays_so(measured: Measured, world: World, engine: FakeEngine) -> None:
    engine.fault = Fault.BAD_REQUEST
    file = measured("calls")
    assert file.run.state is RunState.ERROR
    assert document(rescored(file, suite_of(file.run, world.suites)).file) == document(file)


def changed(world: World, suite: str, scorer: Scorer) -> None:
    known = world.suites[suite]
    world.suites = {**world.suites, suite: known._replace(scorers=(scorer,))}


def test_a_scorer_of_another_version_says_which_metrics_changed(
    measured: Measured, others: None, world: World
) -> None:
    def strict(sample: Sample, given: Given) -> Scores:
        return {"exact": float(sample.id < "m-10")}

    file = measured("memory")
    (scorer,) = world.suites["memory"].scorers
    changed(world, "memory", replace(scorer, version="9", function=strict))
    again = rescored(file, suite_of(file.run, world.suites))

    assert again.changed["exact"] == "1.0000 (n = 20) → 0.5000 (n = 20)"
    assert set(again.changed) == {"exact"}, "both sides changed alike, so their difference did not"
    assert again.file.run.signature is not None
    assert again.file.run.signature.scorers == {"exact_match": "9"}
    assert again.file.results[0].answers == file.results[0].answers


def test_a_suite_that_changed_is_refused(measured: Measured, world: World) -> None:
    file, known = measured("calls"), world.suites["calls"]
    card = known.card.model_copy(update={"version": "2"})
    for other, said in (
        (known._replace(card=card), "version 1 is now 2"),
        (known._replace(dataset="f" * 64), "dataset .* is now ffffffffffff"),
    ):
        with pytest.raises(BadInput, match=said):
            suite_of(file.run, {"calls": other})
    with pytest.raises(BadInput, match="no suite 'calls'"):
        suite_of(file.run, {})


def test_a_run_that_never_began_has_nothing_to_score(world: World, engine: FakeEngine) -> None:
    world.register("v1", engine.url)
    world.ask_for("v1", "calls")
    with pytest.raises(BadInput, match="run-1 was not measured"):
        suite_of(world.run(), world.suites)


def test_a_file_from_which_results_are_missing_is_refused(measured: Measured, world: World) -> None:
    """Without the wrong samples every gate would hold."""
    file = measured("calls")
    with pytest.raises(BadInput, match="Export the run again"):
        rescored(file._replace(results=file.results[:-1]), world.suites["calls"])
