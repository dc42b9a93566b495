"""What a scorer is: one pure, versioned, decorated function from a sample and what was answered to scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aftertune.values.evaluation import Answer, Judgement
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample


@dataclass(frozen=True)
class Given:
    """What a scorer sees. A scorer of answers gets them one by one, with the judgements of that one."""

    answers: tuple[Answer, ...]
    judgements: tuple[Judgement, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()

    @property
    def answer(self) -> Answer:
        """The only one, or the first."""
        return self.answers[0]


Scores = Mapping[str, float | tuple[float, ...] | None]
"""By metric: a score; the statistics of an aggregate metric; None: unmeasured. A metric that was not reached is absent."""

Function = Callable[[Sample, Given], Scores]


class Per(StrEnum):
    """Whether the function scores each answer, or all repeats of a sample together."""

    ANSWER = "answer"
    SAMPLE = "sample"


@dataclass(frozen=True)
class Scorer:
    """The version changes with every change of what a score means. Nothing in an answer raises."""

    name: str
    version: str
    kinds: tuple[str, ...]
    metrics: tuple[Metric, ...]
    function: Function
    per: Per = Per.ANSWER
    judged: bool = False

    def expects(self, sample: Sample) -> tuple[Metric, ...]:
        """The metrics that the sample counts for whatever is answered; none when it cannot be scored."""
        return tuple(m for m in self.counts(sample) if not m.reached)

    def counts(self, sample: Sample) -> tuple[Metric, ...]:
        """The metrics that the sample can have."""
        if sample.scoring.kind not in self.kinds:
            return ()
        return tuple(m for m in self.metrics if m.applies is None or m.applies(sample))

    def metrics_of(self, samples: Sequence[Sample]) -> tuple[Metric, ...]:
        """Every metric these samples can have, in the order of the scorer."""
        counted = {metric.name for sample in samples for metric in self.counts(sample)}
        return tuple(metric for metric in self.metrics if metric.name in counted)

    def score(self, sample: Sample, given: Given) -> Scores:
        """Of all answers: those of repeats are averaged; statistics are added up. Without an answer nothing is measured."""
        if not given.answers:
            return dict.fromkeys((metric.name for metric in self.expects(sample)), None)
        if self.per is Per.SAMPLE or len(given.answers) == 1:
            return self.function(sample, given)
        each = [
            self.function(sample, Given((answer,), _about(index, given.judgements), given.tools))
            for index, answer in enumerate(given.answers)
        ]
        return {m.name: _together(m, each) for m in self.counts(sample) if any(m.name in one for one in each)}


def scorer(
    name: str,
    *,
    version: str,
    kinds: Sequence[str],
    metrics: Sequence[Metric],
    per: Per = Per.ANSWER,
    judged: bool = False,
) -> Callable[[Function], Scorer]:
    """Makes a function a scorer of samples of these kinds. `judged`: it reads what a judge said."""

    def decorate(function: Function) -> Scorer:
        return Scorer(name, version, tuple(kinds), tuple(metrics), function, per, judged)

    return decorate


def _about(index: int, judgements: Sequence[Judgement]) -> tuple[Judgement, ...]:
    return tuple(judgement for judgement in judgements if judgement.answer == index)


def _together(metric: Metric, each: Sequence[Scores]) -> float | tuple[float, ...] | None:
    """One unmeasured repeat leaves the sample unmeasured: the rest would be another mixture."""
    found = [scores[metric.name] for scores in each if metric.name in scores]
    if any(value is None for value in found):
        return None
    if metric.kind is Kind.AGGREGATE:
        rows = [value for value in found if isinstance(value, tuple)]
        return tuple(sum(column) for column in zip(*rows, strict=True))
    numbers = [value for value in found if isinstance(value, int | float)]
    return sum(numbers) / len(numbers)
