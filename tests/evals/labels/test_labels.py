"""Labels against scikit-learn, and stated risks against the kernel's calibration."""

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from aftertune.stats.calibration import brier, expected_calibration_error
from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from evals.scorers import Scorer
from evals.scorers.labels.labels import label_scorer, labels
from evals.scorers.scorer import Given, Scores
from evals.suite.metric import Kind
from evals.suite.sample import Sample
from evals.suite.scoring import Label

CLASSES = ("fraud", "legitimate", "in doubt")
SCORER = label_scorer("three", CLASSES, risk_of="fraud")
pairs = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from((*CLASSES, "none"))), min_size=1, max_size=40
)


def sample(label: str, *, edge: bool = False) -> Sample:
    return Sample(id="s", scoring=Label(kind="label", label=label, edge=edge))


def scored(scorer: Scorer, label: str, said: str, *, edge: bool = False) -> Scores:
    return scorer.score(sample(label, edge=edge), Given((Answer(text=said),)))


def aggregated(found: Sequence[Scores]) -> dict[str, float]:
    return {
        metric.name: metric.aggregate(np.array([each[metric.name] for each in found if metric.name in each]))
        for metric in SCORER.metrics
        if metric.kind is Kind.AGGREGATE and metric.aggregate and any(metric.name in each for each in found)
    }


@given(pairs)
@settings(deadline=None)
def test_classes_are_scored_as_scikit_learn_does(answered: list[tuple[str, str]]) -> None:
    scored_all = [scored(SCORER, right, f"label: {said}") for right, said in answered]
    found = aggregated(scored_all)
    rights, said = zip(*answered, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_class = precision_recall_fscore_support(rights, said, labels=CLASSES, zero_division=np.nan)
    for row, each in enumerate(CLASSES):
        name = each.replace(" ", "_")
        recalled = [float(str(each[f"recall_{name}"])) for each in scored_all if f"recall_{name}" in each]
        assert found[f"precision_{name}"] == pytest.approx(by_class[0][row], nan_ok=True)
        assert (np.mean(recalled) if recalled else np.nan) == pytest.approx(by_class[1][row], nan_ok=True)
        assert found[f"f1_{name}"] == pytest.approx(by_class[2][row], nan_ok=True)
    there = [each for each in CLASSES if each in (*rights, *said)]
    if there:
        over = precision_recall_fscore_support(rights, said, labels=there, average="macro", zero_division=0)
        assert [found[f"macro_{name}"] for name in ("precision", "recall", "f1")] == pytest.approx(over[:3])


def test_an_unparseable_answer_is_wrong_and_belongs_to_no_class() -> None:
    right, lost = (
        scored(SCORER, "fraud", "fraud"),
        scored(SCORER, "fraud", "I would rather not say.\nReally."),
    )
    assert (lost["accuracy"], lost["label_parsed"]) == (0.0, 0.0)
    found = aggregated([right, lost])
    assert (found["precision_fraud"], found["macro_recall"]) == (1.0, 0.5)
    other = scored(SCORER, "fraud", "label: theft")
    assert (other["accuracy"], other["label_parsed"]) == (0.0, 0.0)
    assert scored(labels, "fraud", "label: theft")["label_parsed"] == 1.0


def test_a_tool_call_states_no_label() -> None:
    answer = Answer(text="fraud", tool_calls=(ToolCall(name="block", arguments="{}"),))
    assert labels.score(sample("fraud"), Given((answer,)))["label_parsed"] == 0.0


def test_edge_cases_are_scored_apart() -> None:
    assert scored(labels, "fraud", "fraud", edge=True) == {
        "accuracy": 1.0,
        "label_parsed": 1.0,
        "accuracy_edge": 1.0,
    }
    assert "accuracy_clear" in scored(labels, "fraud", "fraud")
    names = [metric.name for metric in labels.metrics_of([sample("a")])]
    assert names == ["accuracy", "label_parsed", "accuracy_clear"]


@given(
    st.lists(st.tuples(st.floats(0, 1).map(lambda x: round(x, 3)), st.booleans()), min_size=1, max_size=60)
)
@settings(deadline=None)
def test_stated_risks_are_calibrated_as_the_kernel_says(stated: list[tuple[float, bool]]) -> None:
    found = [
        scored(SCORER, "fraud" if outcome else "legitimate", f'{{"label": "fraud", "risk": {risk}}}')
        for risk, outcome in stated
    ]
    risks, outcomes = [risk for risk, _ in stated], [float(outcome) for _, outcome in stated]
    assert np.mean([each["risk_brier"] for each in found]) == pytest.approx(brier(risks, outcomes))
    assert aggregated(found)["risk_ece"] == pytest.approx(expected_calibration_error(risks, outcomes))


def test_a_risk_that_is_not_stated_is_none() -> None:
    found = scored(SCORER, "fraud", "label: fraud, risk: high")
    assert found["risk_stated"] == 0.0
    assert not {"risk_brier", "risk_ece"} & found.keys()


def test_repeats_add_up() -> None:
    given = Given((Answer(text="fraud"), Answer(text="legitimate"), Answer(text="?!")))
    found = SCORER.score(sample("fraud"), given)
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert found["recall_fraud"] == pytest.approx(1 / 3)
    assert found["f1_fraud"] == (1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("classes", "risk_of"), [(("one",), ""), (("a", "A"), ""), (("fraud", "legitimate"), "theft")]
)
def test_classes_that_cannot_be(classes: tuple[str, ...], risk_of: str) -> None:
    with pytest.raises(ValueError, match="classes"):
        label_scorer("x", classes, risk_of=risk_of)
