"""Two releases on the same samples: which is better, and by how much."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aftertune.stats.betting import confidence_sequence
from aftertune.stats.mcnemar import mcnemar_exact
from training.corpus import Sample
from training.scoring import score_call


@dataclass(frozen=True)
class Comparison:
    """`first` − `second` in the share of right tool calls, with its 95 % confidence sequence and McNemar's exact p."""

    first: str
    second: str
    samples: str
    n: int
    only_first: int
    only_second: int
    difference: float
    low: float
    high: float
    p: float

    def text(self) -> str:
        return (
            f"- {self.first} − {self.second}, {self.samples}, n = {self.n}: {100 * self.difference:+.2f} points"
            f" [{100 * self.low:+.2f}, {100 * self.high:+.2f}]; only {self.first} right {self.only_first},"
            f" only {self.second} right {self.only_second}, p = {self.p:.1e}"
        )


def compare(
    first: str,
    second: str,
    title: str,
    asked: Sequence[Sample],
    ask: Callable[[str], Sequence[str]],
) -> Comparison:
    """`ask` gives a release's answers to `asked`, in order."""
    right = {
        name: [
            score_call(sample, text).right_arguments for sample, text in zip(asked, ask(name), strict=True)
        ]
        for name in (first, second)
    }
    pairs = list(zip(right[first], right[second], strict=True))
    only_first = sum(a and not b for a, b in pairs)
    only_second = sum(b and not a for a, b in pairs)
    interval = confidence_sequence([(1 + a - b) / 2 for a, b in pairs], 0.05)
    return Comparison(
        first=first,
        second=second,
        samples=title,
        n=len(pairs),
        only_first=only_first,
        only_second=only_second,
        difference=round((only_first - only_second) / len(pairs), 5),
        low=round(2 * interval.low - 1, 5),
        high=round(2 * interval.high - 1, 5),
        p=mcnemar_exact(only_first, only_second),
    )
