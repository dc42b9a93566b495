"""What scorers say is checked: no number, a number out of range, a fault and a cut-off answer measure nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aftertune.values.evaluation import Answer, Judgement
from evals.harness.scored import sample_result, score
from evals.scorers.scorer import Given, Scores
from evals.suite.card import Truncated
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.suite import Suite
from tests.evals.world import SAID, small_suites

RIGHT = Answer(text=SAID, finish="stop")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return small_suites(tmp_path / "suites")["memory"]


def scoring(suite: Suite, value: Any, metric: Metric | None = None) -> Suite:
    """The suite with a scorer that always says so."""

    def function(sample: Sample, given: Given) -> Scores:
        if isinstance(value, Exception):
            raise value
        return {"exact": value, "unknown": 1.0}

    (scorer,) = suite.scorers
    return suite._replace(
        scorers=(replace(scorer, function=function, metrics=(metric or scorer.metrics[0],)),)
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "exact: the scorer gave nan, which is no number"),
        (float("inf"), "exact: the scorer gave inf"),
        ("yes", "exact: the scorer gave 'yes', which is no number"),
        (1.5, "exact: the scorer gave 1.5, outside 0.0 to 1.0"),
        (-0.1, "exact: the scorer gave -0.1, outside"),
        (KeyError("title"), "exact_match failed: KeyError: 'title'"),
        ((1.0, 2.0), "exact: the scorer gave (1.0, 2.0), which is no number"),
        (10**400, "exact: the scorer gave 1000"),
        ([10**5000], "exact: the scorer gave a list, which is no number"),
    ],
)
def test_what_is_no_score_measures_nothing(suite: Suite, value: Any, said: str) -> None:
    found = score(scoring(suite, value), suite.samples[0], [RIGHT], ())
    assert found.scores == {"exact": None}
    assert said in found.error


@pytest.mark.parametrize(
    ("value", "kept"),
    [((1.0, 2.0), (1.0, 2.0)), ((1.0, float("nan")), None), ((), None), (1.0, None), ((10**400, 1.0), None)],
)
def test_statistics_are_rows_of_numbers(suite: Suite, value: Any, kept: tuple[float, ...] | None) -> None:
    metric = Metric("exact", "a sum", kind=Kind.AGGREGATE, aggregate=lambda rows: float(rows.sum()))
    found = score(scoring(suite, value, metric), suite.samples[0], [RIGHT], ())
    assert found.statistics == {"exact": kept}
    assert bool(found.error) is (kept is None)


def test_a_cut_off_answer_is_scored_unless_the_card_says_otherwise(suite: Suite) -> None:
    cut = RIGHT.model_copy(update={"finish": "length"})
    assert score(suite, suite.samples[0], [cut], ()).scores == {"exact": 1.0}
    ask = suite.card.ask.model_copy(update={"truncated": Truncated.UNMEASURED})
    strict = suite._replace(card=suite.card.model_copy(update={"ask": ask}))
    found = score(strict, suite.samples[0], [RIGHT, cut], ())
    assert found.scores == {"exact": None}
    assert found.error == "answer 2 of 2 was cut off at 32 tokens"


def test_why_there_is_no_answer_stays(suite: Suite) -> None:
    result = sample_result(suite, "r", "v1", suite.samples[0], (), error="no answer in 3 tries")
    assert (result.scores, result.error) == ({"exact": None}, "no answer in 3 tries")


def test_a_judge_that_said_nothing_is_why(suite: Suite) -> None:
    unheard = Judgement(question="courtesy", judge="j", prompt="d", value=None, reason="it hangs")
    result = sample_result(suite, "r", "v1", suite.samples[0], (RIGHT,), (unheard,))
    assert result.scores == {"exact": 1.0}
    assert "it hangs" in result.error


@pytest.mark.parametrize("said", [None, 1.0, ["exact"]])
def test_a_scorer_that_gives_no_scores_measures_nothing(suite: Suite, said: Any) -> None:
    (scorer,) = suite.scorers
    silent = suite._replace(scorers=(replace(scorer, function=lambda sample, given: said),))
    found = score(silent, suite.samples[0], [RIGHT], ())
    assert found.scores == {"exact": None}
    assert "exact_match failed" in found.error
