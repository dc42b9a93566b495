"""The answer is the one right text, blanks at its ends aside."""

from collections.abc import Mapping, Sequence
from typing import Any

from aftertune.engine import ChatAnswer
from evals.sample import Sample

EXACT = "exact"


class ExactMatch:
    """`exact` over all samples, and `exact_<kind>` over those of each kind. A tool call is never the right text."""

    name = "exact_match"
    version = "1"

    def expects(self, sample: Sample) -> tuple[str, ...]:
        if sample.text is None:
            return ()
        return (EXACT, f"{EXACT}_{sample.kind}") if sample.kind else (EXACT,)

    def metrics(self, samples: Sequence[Sample]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(metric for sample in samples for metric in self.expects(sample)))

    def score(
        self, sample: Sample, tools: Sequence[Mapping[str, Any]], answer: ChatAnswer
    ) -> dict[str, float]:
        right = not answer.tool_calls and answer.text.strip() == sample.text
        return dict.fromkeys(self.expects(sample), float(right))

    def meaning(self, metric: str) -> str:
        kind = metric.removeprefix(f"{EXACT}_")
        return "of all samples" if metric == EXACT else f"of the samples of kind {kind}"
