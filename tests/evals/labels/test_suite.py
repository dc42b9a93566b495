"""The fraud suite: drawn from its generator, and what a model that follows the rule comes to."""

import json
from collections import Counter

import pytest

from aftertune.values.evaluation import Answer, RunState, Score
from evals.conclusion.conclude import conclude
from evals.harness.scored import sample_result
from evals.suite.sample import Sample
from evals.suite.scoring import Label
from evals.suite.suite import SUITES, load_suite
from examples.fraud.payments import FRAUD, LEGITIMATE, LIMIT
from examples.fraud.suites import FILE, WANTED, drawn, lines

SUITE = load_suite(SUITES / "fraud_labels")


def test_the_samples_are_those_of_the_generator() -> None:
    assert FILE.read_text(encoding="utf-8") == lines()


def test_payments_are_labelled_by_the_rule_of_the_prompt() -> None:
    payments = list(drawn())
    assert Counter((each.label, each.edge) for each in payments) == WANTED
    for each in payments:
        assert (each.label == FRAUD) == (each.points() >= LIMIT)
        assert each.edge == (each.points() in (LIMIT - 1, LIMIT))


def label(sample: Sample) -> Label:
    assert isinstance(sample.scoring, Label)
    return sample.scoring


def right(sample: Sample) -> str:
    fraud = label(sample).label == FRAUD
    return json.dumps({"label": label(sample).label, "risk": 0.95 if fraud else 0.05})


def concluded(said: dict[str, str], *, by_task: bool) -> tuple[dict[str, Score], RunState, str]:
    suite = SUITE._replace(card=SUITE.card.model_copy(update={"by_task": by_task}))
    results = [
        sample_result(suite, "r", "v2", sample, (Answer(text=said[sample.id], finish="stop"),))
        for sample in suite.samples
    ]
    found = conclude(suite, "v2", {}, results)
    return {score.metric: score for score in found.scores}, found.state, found.reason


def test_who_follows_the_rule_passes() -> None:
    scores, state, reason = concluded({sample.id: right(sample) for sample in SUITE.samples}, by_task=True)
    assert state is RunState.SUCCESSFUL, reason
    for metric in ("accuracy", "macro_f1", "recall_fraud", "accuracy_edge", "accuracy/transfer"):
        assert scores[metric].estimate == 1.0
    assert scores["risk_ece"].estimate == pytest.approx(0.05)
    assert scores["risk_brier"].estimate == pytest.approx(0.0025)
    assert scores["accuracy"].clusters == len({sample.meta["account"] for sample in SUITE.samples})


def test_who_calls_everything_legitimate_misses_all_fraud() -> None:
    scores, state, _ = concluded(
        dict.fromkeys((sample.id for sample in SUITE.samples), LEGITIMATE), by_task=False
    )
    assert state is RunState.FAILED
    assert scores["accuracy"].estimate == 0.5
    assert scores["recall_fraud"].estimate == 0.0
    assert scores["precision_legitimate"].estimate == 0.5
    assert scores["precision_fraud"].estimate is None
    assert scores["macro_f1"].estimate == pytest.approx(1 / 3)
    assert scores["risk_stated"].estimate == 0.0
    assert scores["risk_brier"].n == 0
