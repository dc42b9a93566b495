"""What judges said of an answer, as numbers: pure, from stored judgements. Each metric is one question of the suite's card."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import get_args

from aftertune.values.evaluation import Judgement
from evals.judging.ragas_metrics import METRICS as RAGAS
from evals.scorers.scorer import Given, Scorer, Scores, scorer
from evals.suite.card import JudgeCard
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Scoring

ALL_KINDS: tuple[str, ...] = tuple(
    get_args(each.model_fields["kind"].annotation)[0] for each in get_args(Scoring)
)

LEAST_MEASURED = 2 / 3
"""Of the times that a judge was asked one thing in one order: with less, it said nothing."""

QUESTIONS = "judged.questions"
RETRIEVAL = "retrieval.ragas"


def judged_questions(card: JudgeCard) -> Scorer:
    """A scorer of the card's questions: each is a mean over judges, of both orders alike, of sentences alike."""

    @scorer(
        QUESTIONS,
        version="1",
        kinds=ALL_KINDS,
        judged=True,
        metrics=[
            Metric(each.metric, f"mean of the judges' verdicts: {each.question}", kind=Kind.MEAN)
            for each in card.questions
        ],
    )
    def score(_: Sample, given: Given) -> Scores:
        return {each.metric: verdict(about(each.metric, given.judgements)) for each in card.questions}

    return score


def retrieval_ragas(card: JudgeCard) -> Scorer:
    """A scorer of the card's ragas metrics."""

    @scorer(
        RETRIEVAL,
        version="1",
        kinds=("retrieval_answer",),
        judged=True,
        metrics=[
            Metric(name, f"ragas: {RAGAS[name].meaning}", kind=Kind.MEAN, low=RAGAS[name].low)
            for name in card.ragas
        ],
    )
    def score(_: Sample, given: Given) -> Scores:
        return {name: verdict(about(name, given.judgements)) for name in card.ragas}

    return score


def about(question: str, judgements: Iterable[Judgement]) -> list[Judgement]:
    return [each for each in judgements if each.question == question]


def verdict(judgements: Sequence[Judgement]) -> float | None:
    """The mean over judges of their own means; None when one of them is not measured: the rest are another panel."""
    by_judge: dict[str, list[Judgement]] = defaultdict(list)
    for each in judgements:
        by_judge[each.judge].append(each)
    means = [_of_one_judge(each) for each in by_judge.values()]
    measured = [mean for mean in means if mean is not None]
    return sum(measured) / len(measured) if measured and len(measured) == len(means) else None


def _of_one_judge(judgements: Sequence[Judgement]) -> float | None:
    """Each order counts the same, and in it each sentence, however often it was measured."""
    asked: dict[bool, set[int]] = defaultdict(set)
    values: dict[bool, dict[int | None, list[float]]] = defaultdict(lambda: defaultdict(list))
    replied: dict[bool, set[int]] = defaultdict(set)
    for each in judgements:
        asked[each.swapped].add(each.repeat)
        if each.value is not None:
            replied[each.swapped].add(each.repeat)
            values[each.swapped][each.sentence].append(each.value)
    if any(len(replied[order]) < LEAST_MEASURED * len(repeats) for order, repeats in asked.items()):
        return None
    return _mean(_mean(_mean(said) for said in values[order].values()) for order in asked)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)
