"""Repeated runs, what differed between them, and whose variation it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.stats.consistency import variance_split
from aftertune.values.evaluation import Answer, Judgement, SampleResult
from aftertune.values.exchange import ToolCall
from evals.scorers.consistency.flaky import flaky
from evals.scorers.consistency.runs import consistency
from evals.scorers.consistency.variance import answer_variance, judge_variance, judged_consistency
from evals.scorers.scorer import Given
from evals.suite.sample import Sample
from evals.suite.scoring import Text
from evals.text.sameness import sameness

SAMPLE = Sample(id="s", scoring=Text(kind="text", references=("yes",)))
ratings = st.lists(
    st.lists(st.lists(st.sampled_from((0.0, 0.5, 1.0)), min_size=1, max_size=4), min_size=1, max_size=4),
    min_size=1,
    max_size=6,
)


def answers(*texts: str) -> tuple[Answer, ...]:
    return tuple(Answer(text=text) for text in texts)


def call(arguments: str) -> Answer:
    return Answer(tool_calls=(ToolCall(name="add", arguments=arguments),))


def test_the_three_definitions_differ() -> None:
    found = consistency.score(SAMPLE, Given(answers(*["yes"] * 8, "no", "no")))
    assert found == {
        "consistency_modal": pytest.approx(0.8),
        "consistency_pairwise": pytest.approx((8 * 7 + 2 * 1) / 90),
        "consistency_all": 0.0,
    }
    assert set(consistency.score(SAMPLE, Given(answers(*["yes"] * 10))).values()) == {1.0}


def test_a_single_run_says_nothing() -> None:
    assert set(consistency.score(SAMPLE, Given(answers("yes"))).values()) == {None}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Answer(text=" Yes,  please\n"), Answer(text="yes, please"), True),
        (Answer(text="cafe\u0301"), Answer(text="CAF\u00c9"), True),
        (Answer(text="10 Nm"), Answer(text="10 N·m"), False),
        (call('{"a": 1, "b": 2}'), call('{"b":2,"a":1}'), True),
        (call('{"a": 1}'), call('{"a": 2}'), False),
        (call("{broken"), call("{broken"), True),
        (call("{}"), Answer(text="{}"), False),
    ],
)
def test_which_answers_are_the_same(one: Answer, other: Answer, same: bool) -> None:
    assert (sameness(one) == sameness(other)) is same


def judged(rated: list[list[float]]) -> tuple[Judgement, ...]:
    return tuple(
        Judgement(question="polite", judge="j", prompt="p", answer=answer, repeat=repeat, value=value)
        for answer, values in enumerate(rated)
        for repeat, value in enumerate(values)
    )


@given(ratings)
@settings(deadline=None)
def test_variances_are_split_as_the_kernel_does(rated: list[list[list[float]]]) -> None:
    rows = []
    for sample in rated:
        found = judged_consistency.score(SAMPLE, Given(answers(*["?"] * len(sample)), judged(sample)))
        assert found["variance_of_answers"] == found["variance_of_judge"]
        rows.append(found["variance_of_judge"])
    expected = variance_split(rated)
    table = np.array(rows)
    assert judge_variance(table) == pytest.approx(
        float("nan") if expected.judge is None else expected.judge, nan_ok=True
    )
    assert answer_variance(table) == pytest.approx(
        float("nan") if expected.answers is None else expected.answers, nan_ok=True
    )


def test_what_the_judge_failed_at_is_no_rating() -> None:
    failed = Judgement(question="polite", judge="j", prompt="p", value=None, reason="It timed out.")
    assert set(judged_consistency.score(SAMPLE, Given(answers("a", "b"), (failed,))).values()) == {None}


def test_sentences_make_one_rating() -> None:
    said = tuple(
        Judgement(question="polite", judge="j", prompt="p", repeat=repeat, sentence=sentence, value=value)
        for repeat, values in enumerate(([0.0, 1.0], [0.5, 0.5]))
        for sentence, value in enumerate(values)
    )
    found = judged_consistency.score(SAMPLE, Given(answers("A. B."), said))
    assert judge_variance(np.array([found["variance_of_judge"]])) == 0.0


def result(sample: str, *texts: str, release: str = "v2") -> SampleResult:
    return SampleResult(run="r", sample=sample, release=release, answers=answers(*texts), scores={})


def test_the_most_unsteady_samples_come_first() -> None:
    found = flaky(
        [
            result("steady", "a", "A"),
            result("rather", "a", "b", "a", "a"),
            result("very", "a", "b", "c", "B"),
            result("unanswered"),
            result("another", "a", "b", release="base"),
        ],
        "v2",
    )
    assert [(each.sample, each.modal_share) for each in found] == [("very", 0.5), ("rather", 0.75)]
    assert found[0].answers == (("b", 2), ("a", 1), ("c", 1))
