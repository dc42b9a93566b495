"""The samples that did not get the same answer each time, the most unsteady first."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from aftertune.values.evaluation import SampleResult
from evals.text.sameness import sameness


class Flaky(NamedTuple):
    """`answers`: each different answer as it was first said, model output, with how often it came; frequent first."""

    sample: str
    runs: int
    answers: tuple[tuple[str, int], ...]

    @property
    def modal_share(self) -> float:
        return self.answers[0][1] / self.runs


def flaky(results: Sequence[SampleResult], release: str) -> tuple[Flaky, ...]:
    """Those of the release with two or more different answers."""
    found = []
    for result in results:
        if result.release != release:
            continue
        keys = [sameness(answer) for answer in result.answers]
        if len(set(keys)) < 2:
            continue
        first = {key: answer.said for key, answer in reversed(list(zip(keys, result.answers, strict=True)))}
        counts = tuple((first[key], count) for key, count in Counter(keys).most_common())
        found.append(Flaky(result.sample, len(keys), counts))
    return tuple(sorted(found, key=lambda each: (each.modal_share, each.sample)))
