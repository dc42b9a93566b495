"""Gates stand on bounds; what was not measured is counted, and too much of it is an error."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aftertune.stats.interval import wilson
from aftertune.stats.paired import paired_difference
from aftertune.values.evaluation import Answer, Bound, RunState, SampleResult
from evals.conclusion.conclude import Conclusion, conclude
from evals.suite.card import GateCard, Role
from evals.suite.metric import Kind, Metric
from evals.suite.suite import Suite, load_suites
from tests.evals.world import SAID, asks, wanted, write_suite

BASE = {Role.BASE: "base"}


def _suites() -> tuple[Suite, Suite]:
    """98 requests with 12 questions that need no call, and 120 texts that are compared with the base."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        requests = [asks(f"call-{n:02}", "Create a task", wanted(n)) for n in range(98)]
        questions = [asks(f"none-{n:02}", "Hello", {"kind": "no_tool_call"}) for n in range(12)]
        write_suite(
            folder, "calls", [*requests, *questions], "tool_calls.strict", "end_to_end", "score_low", 0.8
        )
        texts = [asks(f"m-{n:03}", "Say it", {"kind": "exact_match", "answers": [SAID]}) for n in range(120)]
        write_suite(folder, "memory", texts, "exact_match", "exact", "difference_low", -0.15, "base")
        (folder / "tools.json").write_text("[]")
        found = load_suites(folder)
    abstention = GateCard(metric="abstention", bound=Bound.SCORE_LOW, limit=0.5)
    card = found["calls"].card
    calls = found["calls"]._replace(card=card.model_copy(update={"gates": (*card.gates, abstention)}))
    return calls, found["memory"]


CALLS, FORGETTING = _suites()


def results(suite: Suite, release: str, wrong: int = 0, unanswered: int = 0) -> list[SampleResult]:
    """The first `wrong` samples wrong, the last `unanswered` unmeasured."""
    found = []
    for number, sample in enumerate(suite.samples):
        lost = number >= len(suite.samples) - unanswered
        value = None if lost else float(number >= wrong)
        scores = dict.fromkeys((metric.name for metric in suite.expects(sample)), value)
        found.append(
            SampleResult(
                run="r",
                sample=sample.id,
                release=release,
                answers=() if lost else (Answer(),),
                scores=scores,
                error="gone." if lost else "",
            )
        )
    return found


def gated(suite: Suite, metric: str, bound: Bound, limit: float) -> Suite:
    gates = (GateCard(metric=metric, bound=bound, limit=limit),)
    return suite._replace(card=suite.card.model_copy(update={"gates": gates}))


@given(st.integers(0, 98))
def test_a_score_passes_by_the_low_end_of_its_interval_not_by_its_point(wrong: int) -> None:
    low = wilson(98 - wrong, 98).low
    for limit, passes in ((low - 1e-9, True), (low + 1e-9, False)):
        suite = gated(CALLS, "end_to_end", Bound.SCORE_LOW, limit)
        concluded = conclude(suite, "v1", {}, results(CALLS, "v1", wrong))
        (gate,) = concluded.gates
        assert (gate.value, gate.passed) == (low, passes)
        assert concluded.state is (RunState.SUCCESSFUL if passes else RunState.FAILED)


def test_a_point_above_the_limit_is_not_enough() -> None:
    concluded = conclude(CALLS, "v1", {}, results(CALLS, "v1", wrong=14))
    score = next(score for score in concluded.scores if score.metric == "end_to_end")
    assert score.estimate == pytest.approx(84 / 98)
    assert concluded.state is RunState.FAILED
    assert "end_to_end" in concluded.reason


@given(st.integers(0, 120), st.integers(0, 120))
def test_a_difference_passes_by_the_low_end_of_its_interval(ours: int, theirs: int) -> None:
    low = paired_difference(max(0, theirs - ours), max(0, ours - theirs), 120).low
    for limit, passes in ((low - 1e-9, True), (low + 1e-9, False)):
        suite = gated(FORGETTING, "exact", Bound.DIFFERENCE_LOW, max(-1.0, limit))
        both = results(FORGETTING, "v1", ours) + results(FORGETTING, "base", theirs)
        concluded = conclude(suite, "v1", BASE, both)
        assert concluded.gates[0].passed is passes or limit < -1.0
        difference = concluded.differences[0]
        assert difference.estimate == pytest.approx((theirs - ours) / 120)
        assert difference.low == low
        flipped = {sample.id for sample in FORGETTING.samples[min(ours, theirs) : max(ours, theirs)]}
        assert flipped == set(difference.flipped_down) | set(difference.flipped_up)


@pytest.mark.parametrize(
    ("unanswered", "state"), [(0, RunState.SUCCESSFUL), (6, RunState.SUCCESSFUL), (7, RunState.ERROR)]
)
def test_more_than_one_in_twenty_unmeasured_is_an_error(unanswered: int, state: RunState) -> None:
    both = results(FORGETTING, "v1", unanswered=unanswered) + results(FORGETTING, "base")
    concluded = conclude(FORGETTING, "v1", BASE, both)
    assert concluded.state is state
    assert (concluded.scores[0].n, concluded.scores[0].unmeasured) == (120 - unanswered, unanswered)
    assert (concluded.differences[0].n, concluded.differences[0].unmeasured) == (120 - unanswered, unanswered)


def test_an_unmeasured_base_counts_as_well() -> None:
    both = results(FORGETTING, "v1") + results(FORGETTING, "base", unanswered=7)
    concluded = conclude(FORGETTING, "v1", BASE, both)
    assert concluded.state is RunState.ERROR
    assert "At least 7 of 120 samples are unmeasured, more than 5%: gone." in concluded.reason


def test_unmeasured_and_failing_is_an_error_because_it_might_not_fail() -> None:
    concluded = conclude(CALLS, "v1", {}, results(CALLS, "v1", wrong=90, unanswered=20))
    assert concluded.state is RunState.ERROR


def test_a_gate_without_a_measurement_is_an_error() -> None:
    """The last 12 samples are the only ones of abstention; one in twenty of all may be unmeasured."""
    suite = CALLS._replace(samples=CALLS.samples[:97] + CALLS.samples[-4:])
    concluded = conclude(suite, "v1", {}, results(suite, "v1", unanswered=4))
    assert [gate.passed for gate in concluded.gates] == [True, None]
    assert concluded.state is RunState.ERROR
    assert "nothing was measured" in concluded.reason


def abstaining(wrong: int, unanswered: int) -> Conclusion:
    """Of the 12 samples of abstention; all others are right."""
    found = results(CALLS, "v1")
    for number, result in enumerate(found[-12:]):
        value = None if number < unanswered else float(number >= unanswered + wrong)
        found[-12 + number] = result.model_copy(
            update={"scores": {"abstention": value}, "error": "gone." if value is None else ""}
        )
    return conclude(CALLS, "v1", {}, found)


@pytest.mark.parametrize(
    ("wrong", "unanswered", "state"),
    [
        (0, 0, RunState.SUCCESSFUL),
        (0, 2, RunState.SUCCESSFUL),
        (0, 3, RunState.ERROR),
        (3, 0, RunState.FAILED),
        (2, 2, RunState.ERROR),
        (3, 2, RunState.FAILED),
    ],
)
def test_unmeasured_is_never_good_and_never_bad(wrong: int, unanswered: int, state: RunState) -> None:
    """Few are unmeasured in all, but they are many of a small metric's: they decide nothing."""
    concluded = abstaining(wrong, unanswered)
    assert concluded.state is state
    if state is RunState.ERROR:
        assert "is not known with" in concluded.reason
        assert f"{unanswered} unmeasured could turn it" in concluded.reason


@given(st.integers(0, 120), st.integers(0, 120), st.integers(0, 6), st.floats(-0.9, 0.9))
def test_a_gate_says_what_it_would_say_whatever_the_unmeasured_are(
    ours: int, theirs: int, unanswered: int, limit: float
) -> None:
    suite = gated(FORGETTING, "exact", Bound.DIFFERENCE_LOW, limit)
    base = results(FORGETTING, "base", theirs)
    said = conclude(suite, "v1", BASE, results(FORGETTING, "v1", ours, unanswered) + base).gates[0].passed
    for value in (0.0, 1.0):
        filled = [
            result.model_copy(update={"scores": dict.fromkeys(result.scores, value)})
            if None in result.scores.values()
            else result
            for result in results(FORGETTING, "v1", ours, unanswered)
        ]
        assert said in (None, conclude(suite, "v1", BASE, filled + base).gates[0].passed)


def test_nothing_measured_has_no_estimate() -> None:
    concluded: Conclusion = conclude(CALLS, "v1", {}, [])
    assert {(s.n, s.estimate, s.low, s.high) for s in concluded.scores} == {(0, None, None, None)}
    assert concluded.state is RunState.ERROR


def test_the_order_of_a_report_is_the_funnel() -> None:
    concluded = conclude(CALLS, "v1", {}, results(CALLS, "v1"))
    names = [score.metric for score in concluded.scores]
    funnel = ["json", "tool", "arguments", "end_to_end", "abstention"]
    assert [name for name in names if name in funnel] == funnel


def test_suites_of_a_folder_without_any(tmp_path: Path) -> None:
    assert load_suites(tmp_path) == {}


def test_the_order_of_results_makes_no_difference() -> None:
    lost = [
        each.model_copy(update={"error": f"gone with {each.sample}." if each.error else ""})
        for release in ("v1", "base")
        for each in results(FORGETTING, release, 3, 20)
    ]
    assert conclude(FORGETTING, "v1", BASE, lost) == conclude(FORGETTING, "v1", BASE, lost[::-1])


def _failing(_: NDArray[np.float64]) -> float:
    raise ZeroDivisionError("no torque in it")


def test_an_aggregate_that_fails_is_not_measured_and_the_other_metrics_stand() -> None:
    (scorer,) = FORGETTING.scorers
    total = Metric("torque", "of all terms", kind=Kind.AGGREGATE, aggregate=_failing)
    suite = FORGETTING._replace(scorers=(replace(scorer, metrics=(*scorer.metrics, total)),))

    def both(suite: Suite) -> list[SampleResult]:
        return [
            each.model_copy(update={"scores": {"exact": 1.0}, "statistics": {"torque": (1.0, 2.0)}})
            for release in ("v1", "base")
            for each in results(suite, release)
        ]

    concluded = conclude(suite, "v1", BASE, both(suite))
    exact, failed = concluded.scores
    assert (exact.estimate, concluded.state) == (1.0, RunState.SUCCESSFUL)
    assert (failed.n, failed.estimate) == (120, None)
    assert "Could not measure: ZeroDivisionError: no torque in it." in failed.detail
    assert concluded.differences[1].method == "could not measure: ZeroDivisionError: no torque in it"

    limited = gated(suite, "torque", Bound.SCORE_LOW, 0.1)
    concluded = conclude(limited, "v1", BASE, both(limited))
    assert (concluded.gates[0].passed, concluded.state) == (None, RunState.ERROR)
    assert "could not measure: ZeroDivisionError: no torque in it" in concluded.reason
