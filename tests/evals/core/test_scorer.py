"""One decorated function is a scorer: repeats are put together, what does not apply is absent, nothing is unmeasured silently."""

from pathlib import Path

import numpy as np
import pytest

from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer, Judgement
from evals.scorers.own import own_scorer
from evals.scorers.scorer import Given, Per, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample

METRICS = (
    Metric("long", "of all samples: more than three letters"),
    Metric("polite", "of the samples of task greeting", applies=lambda sample: sample.task == "greeting"),
    Metric("deep", "of the long ones", reached=True),
    Metric("letters", "in all", kind=Kind.AGGREGATE, aggregate=lambda rows: float(np.sum(rows)), high=None),
)


@scorer("words", version="1", kinds=("exact_match",), metrics=METRICS)
def words(sample: Sample, given: Given) -> Scores:
    text = given.answer.text
    found: dict[str, float | tuple[float, ...] | None] = {
        "long": None if text == "?" else float(len(text) > 3),
        "letters": (float(len(text)),),
    }
    if sample.task == "greeting":
        found["polite"] = float(any(each.value == 1.0 for each in given.judgements))
    if len(text) > 3:
        found["deep"] = 1.0
    return found


def sample(task: str = "", kind: str = "exact_match") -> Sample:
    scoring = {"kind": kind, "answers": ["x"]} if kind == "exact_match" else {"kind": kind}
    return Sample.model_validate({"id": "s", "task": task, "scoring": scoring})


def answers(*texts: str) -> Given:
    return Given(tuple(Answer(text=text) for text in texts))


def test_it_knows_what_a_sample_counts_for() -> None:
    assert [m.name for m in words.expects(sample())] == ["long", "letters"]
    assert [m.name for m in words.expects(sample("greeting"))] == ["long", "polite", "letters"]
    assert words.expects(sample(kind="no_tool_call")) == ()
    assert [m.name for m in words.metrics_of([sample()])] == ["long", "deep", "letters"]


def test_without_an_answer_everything_expected_is_unmeasured() -> None:
    assert words.score(sample("greeting"), Given(())) == {"long": None, "polite": None, "letters": None}


def test_repeats_are_averaged_and_statistics_added_up() -> None:
    assert words.score(sample(), answers("abcd", "ab", "abcdef")) == {
        "long": pytest.approx(2 / 3),
        "letters": (12.0,),
        "deep": 1.0,
    }


def test_one_unmeasured_repeat_leaves_the_metric_unmeasured() -> None:
    found = words.score(sample(), answers("abcd", "?"))
    assert (found["long"], found["letters"]) == (None, (5.0,))


def test_each_repeat_sees_the_judgements_about_itself() -> None:
    judged = tuple(
        Judgement(question="polite", judge="j", prompt="p", answer=index, value=value)
        for index, value in enumerate((1.0, 0.0))
    )
    given = Given((Answer(text="a"), Answer(text="b")), judged)
    assert words.score(sample("greeting"), given)["polite"] == 0.5


def test_a_scorer_of_samples_sees_all_repeats_at_once() -> None:
    @scorer("same", version="1", kinds=("exact_match",), metrics=(Metric("same", "…"),), per=Per.SAMPLE)
    def same(sample: Sample, given: Given) -> Scores:
        return {"same": float(len({answer.text for answer in given.answers}) == 1)}

    assert same.score(sample(), answers("a", "a", "b")) == {"same": 0.0}


def test_an_aggregate_metric_and_no_other_has_an_aggregate() -> None:
    for kind, aggregate in ((Kind.AGGREGATE, None), (Kind.SHARE, lambda rows: 0.0)):
        with pytest.raises(ValueError, match="aggregate"):
            Metric("m", "…", kind=kind, aggregate=aggregate)


OWN = """
from evals.suite.metric import Metric
from evals.scorers.scorer import scorer

@scorer("mine", version="1", kinds=("exact_match",), metrics=(Metric("shouted", "of all samples: in capitals"),))
def mine(sample, given):
    return {"shouted": float(given.answer.text.isupper())}
"""


def test_a_suite_may_bring_a_scorer(tmp_path: Path) -> None:
    file = tmp_path / "scorer.py"
    assert own_scorer(file) is None
    file.write_text(OWN)
    found = own_scorer(file)
    assert found is not None
    assert found.score(sample(), answers("YES")) == {"shouted": 1.0}


@pytest.mark.parametrize(
    ("text", "said"), [("", "holds 0 scorers"), ("import nothing_such", "No module"), ("1/", "SyntaxError")]
)
def test_a_scorer_that_cannot_be_loaded_names_its_file(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "scorer.py"
    file.write_text(text)
    with pytest.raises(BadInput, match=said) as refused:
        own_scorer(file)
    assert "scorer.py" in str(refused.value)
