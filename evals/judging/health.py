"""How far judges can be trusted, in numbers from their own judgements: pure.

Position bias shows in `same_in_both_orders`, noise in `spread`: the variance between repeats of one question in one
order, in squared verdicts (0 none, 0.25 a coin).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from aftertune.values.evaluation import Judgement
from evals.judging.canary import PREFIX, WRONG


class Health(NamedTuple):
    """Of one judge. `said_yes_first` is the share of yes where it was the first option, `said_yes_last` where the last.

    Numbers are None where nothing was asked that would tell.
    """

    judge: str
    judgements: int
    unmeasured: int
    reasons: tuple[tuple[str, int], ...]
    canaries: int
    canaries_wrong: int
    same_in_both_orders: float | None
    pairs: int
    said_yes_first: float | None
    said_yes_last: float | None
    spread: float | None

    def in_words(self) -> str:
        said = [f"{self.judge}: {self.unmeasured} of {self.judgements} judgements failed"]
        if self.same_in_both_orders is not None:
            said.append(f"same verdict in both orders {self.same_in_both_orders:.0%} of {self.pairs}")
        if self.spread is not None:
            said.append(f"variance of repeats {self.spread:.3f}")
        if self.canaries:
            said.append(f"{self.canaries_wrong} of {self.canaries} canaries wrong")
        return ", ".join(said)


def health(samples: Iterable[Iterable[Judgement]]) -> tuple[Health, ...]:
    """One for each judge, by name; `samples` are the judgements of each sample."""
    by_judge: dict[str, list[list[Judgement]]] = defaultdict(list)
    for judgements in samples:
        of_sample: dict[str, list[Judgement]] = defaultdict(list)
        for each in judgements:
            if each.judge:
                of_sample[each.judge].append(each)
        for judge, said in of_sample.items():
            by_judge[judge].append(said)
    return tuple(_of(judge, by_judge[judge]) for judge in sorted(by_judge))


def _of(judge: str, samples: list[list[Judgement]]) -> Health:
    everything = [each for said in samples for each in said]
    asked = [each for each in everything if not each.question.startswith(PREFIX)]
    canaries = [each for each in everything if each.question.startswith(PREFIX)]
    reasons = Counter(each.reason for each in asked if each.value is None)
    same = [first == last for said in samples for first, last in _both_orders(said)]
    return Health(
        judge=judge,
        judgements=len(asked),
        unmeasured=reasons.total(),
        reasons=tuple(sorted(reasons.items(), key=lambda each: (-each[1], each[0]))),
        canaries=len(canaries),
        canaries_wrong=sum(each.reason == WRONG for each in canaries),
        same_in_both_orders=_mean(same),
        pairs=len(same),
        said_yes_first=_mean(each.value for each in asked if each.value is not None and not each.swapped),
        said_yes_last=_mean(each.value for each in asked if each.value is not None and each.swapped),
        spread=_mean(_spreads(samples)),
    )


def _both_orders(said: Iterable[Judgement]) -> Iterable[tuple[float, float]]:
    """Verdicts on the same thing in the same repeat, in the one order and in the other."""
    found: dict[tuple[str, int, int, int | None], dict[bool, float]] = defaultdict(dict)
    for each in said:
        if each.value is not None and not each.question.startswith(PREFIX):
            found[each.question, each.answer, each.repeat, each.sentence][each.swapped] = each.value
    return [(both[False], both[True]) for both in found.values() if len(both) == 2]


def _spreads(samples: Iterable[Iterable[Judgement]]) -> Iterable[float]:
    """The unbiased variance of each cell that was asked more than once."""
    for said in samples:
        cells: dict[tuple[str, int, int | None, bool], list[float]] = defaultdict(list)
        for each in said:
            if each.value is not None and not each.question.startswith(PREFIX):
                cells[each.question, each.answer, each.sentence, each.swapped].append(each.value)
        for values in cells.values():
            if len(values) > 1:
                mean = sum(values) / len(values)
                yield sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None
