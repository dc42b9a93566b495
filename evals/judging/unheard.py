"""Why judges said nothing: pure."""

from collections import Counter
from collections.abc import Sequence

from aftertune.values.evaluation import Judgement


def unheard(judgements: Sequence[Judgement]) -> str:
    """The most frequent reason of those without a value, with what was asked; empty when all have one."""
    reasons = Counter(f"{each.question}: {each.reason}" for each in judgements if each.value is None)
    return max(sorted(reasons), key=lambda reason: reasons[reason]) if reasons else ""
