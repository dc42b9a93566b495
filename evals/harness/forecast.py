"""What a run costs before it starts: pure arithmetic over the suite's card and samples."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aftertune.values.evaluation import Forecast
from evals.engine.tokens import estimated_tokens
from evals.judging.canary import CANARIES
from evals.suite.card import Card, JudgeQuestion
from evals.suite.sample import Sample
from evals.suite.scoring import Passage, Search, Served


def forecast(
    card: Card,
    samples: Sequence[Sample],
    tools_for: Callable[[Sample], Sequence[Mapping[str, Any]]],
    questions_about: Callable[[Sample], Sequence[JudgeQuestion]],
    *,
    releases: int,
) -> Forecast:
    """At most, if nothing is cached and nothing is tried again. A conversation counts as one answer.

    The documents of a search are not counted: they are embedded once, in a few requests. Nor is what ragas asks, which
    decides that itself.
    """
    answers = card.ask.repeats * releases
    requests = sum(map(_at_once, samples)) * answers
    prompts = sum(_at_once(sample) * _prompt(card, sample, tools_for(sample)) for sample in samples)
    return Forecast(
        requests=requests,
        prompt_tokens=prompts * answers,
        answer_tokens=requests * card.ask.max_tokens,
        judge_questions=_judge_questions(card, [len(questions_about(sample)) for sample in samples], answers),
    )


def _prompt(card: Card, sample: Sample, tools: Sequence[Mapping[str, Any]]) -> int:
    """Tokens of its messages, or of the text that is put to the engine without a chat."""
    match sample.scoring:
        case Passage(text=text) | Search(query=text):
            return estimated_tokens([{"content": text}])
    return estimated_tokens([{"content": card.ask.system}, *sample.messages], tools)


def _at_once(sample: Sample) -> int:
    return sample.scoring.at_once if isinstance(sample.scoring, Served) else 1


def _judge_questions(card: Card, questions: Sequence[int], answers: int) -> int:
    """To one judge: those about each answer to each sample, and its canaries, all at first and one with each answer."""
    if card.judge is None or not any(questions):
        return 0
    times = card.judge.repeats * (1 + card.judge.swap)
    return len(CANARIES) + answers * sum(each * times + 1 for each in questions if each)
