"""What scorers said of a candidate, as the sampling by risk reads it."""

from collections.abc import Iterator, Sequence

from aftertune.reviews.sampling import Evidence
from aftertune.values.evaluation import Better, EvaluationRun, SampleResult
from aftertune.values.pair import AnswerScores, Pair

OVER_REFUSAL = "over_refusal"
"""The suites' metric that is 1 where an answer refuses what it should not."""


def evidence_of_results(
    sample: str, results: Sequence[SampleResult], runs: Sequence[EvaluationRun]
) -> Evidence:
    """One answered result for each side, beside the run that it is of."""
    return Evidence(
        sample,
        tuple(dict(_shares(result, run)) for result, run in zip(results, runs, strict=True)),
        any(result.scores.get(OVER_REFUSAL) == 1 for result in results),
        max(len(result.said) for result in results),
    )


def evidence_of_pair(pair: Pair) -> Evidence:
    sides = (pair.stable, pair.candidate)
    return Evidence(
        pair.pair_id,
        tuple(_scores(side) for side in sides),
        any(side.refusal >= 0.5 for side in sides),
        max(side.length for side in sides),
    )


def _shares(result: SampleResult, run: EvaluationRun) -> Iterator[tuple[str, float | None]]:
    """Shares of which more is better. Of the others only yes and no can be turned round: a loss or a time is no share."""
    lower = {score.metric for score in run.scores if score.better is Better.LOWER}
    for name, value in result.scores.items():
        if name not in lower and (value is None or 0 <= value <= 1):
            yield name, value
        elif name in lower and value in (0, 1):
            yield name, 1 - value


def _scores(side: AnswerScores) -> dict[str, float | None]:
    return {
        "completed": side.completed,
        "well_formed": side.well_formed,
        "grounded": side.grounded,
        "valid_answer": side.valid_answer,
    }
