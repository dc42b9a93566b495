"""What a scorer is: a pure, versioned function from a sample and an answer to scores."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aftertune.engine import ChatAnswer
from evals.sample import Sample


class Scorer(Protocol):
    """Scores are 0 or 1. The version changes with every change of what a score means. Nothing in an answer raises."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def expects(self, sample: Sample) -> tuple[str, ...]:
        """The metrics that the sample counts for whatever is answered; empty when it cannot be scored."""
        ...

    def metrics(self, samples: Sequence[Sample]) -> tuple[str, ...]:
        """Every metric these samples can have, in the order of a report."""
        ...

    def score(
        self, sample: Sample, tools: Sequence[Mapping[str, Any]], answer: ChatAnswer
    ) -> dict[str, float]:
        """By metric. Beyond the expected ones there may be some that only certain answers reach."""
        ...

    def meaning(self, metric: str) -> str:
        """Of what the metric is a share."""
        ...
