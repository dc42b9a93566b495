"""The consistency suite: the three examples' own requests, ten times each."""

import pytest

from aftertune.values.evaluation import Answer, RunState
from evals.conclusion.conclude import conclude
from evals.harness.scored import sample_result
from evals.suite.suite import SUITES, load_suite
from tests.evals.consistency.test_consistency import answers

SUITE = load_suite(SUITES / "consistency")
OF_TASK = {"fraud": "fraud_labels", "maintenance": "plant_maintenance", "tasks": "tool_calls"}


def test_its_requests_are_those_of_the_other_suites() -> None:
    assert {sample.task for sample in SUITE.samples} == set(OF_TASK)
    for task, name in OF_TASK.items():
        suite = load_suite(SUITES / name)
        known = {f"{task}-{sample.id}": sample for sample in suite.samples}
        ours = [sample for sample in SUITE.samples if sample.task == task]
        assert len(ours) == 15
        for sample in ours:
            theirs = known[sample.id]
            assert (sample.messages, sample.scoring) == (theirs.messages, theirs.scoring)
            assert SUITE.tools_for(sample) == suite.tools_for(theirs)


def said(unsteady: int) -> list[tuple[Answer, ...]]:
    """The first so many samples are answered differently once in ten."""
    return [
        answers(*["same"] * 9, "other" if index < unsteady else "same") for index in range(len(SUITE.samples))
    ]


@pytest.mark.parametrize(
    ("unsteady", "state", "everywhere"), [(0, RunState.SUCCESSFUL, 1.0), (45, RunState.FAILED, 0.0)]
)
def test_once_in_ten_everywhere_is_too_often(unsteady: int, state: RunState, everywhere: float) -> None:
    results = [
        sample_result(SUITE, "r", "v2", sample, each)
        for sample, each in zip(SUITE.samples, said(unsteady), strict=True)
    ]
    found = conclude(SUITE, "v2", {}, results)
    scores = {score.metric: score for score in found.scores}
    assert found.state is state
    assert scores["consistency_all"].estimate == everywhere
    assert scores["consistency_modal"].estimate == pytest.approx(1.0 if everywhere else 0.9)
    assert SUITE.card.ask.repeats == 10
