"""The forgetting budget: per skill, what a release may lose against a baseline, what it lost, and what is left. Pure."""

from collections.abc import Iterable

from aftertune.values.evaluation import Better, Budget, Difference, Forgotten
from evals.suite.card import BudgetCard


def budgets(card: BudgetCard | None, differences: Iterable[Difference]) -> tuple[Budget, ...]:
    """One for each skill and baseline, in the order of the differences. The state stands on the interval, not on the point."""
    if card is None:
        return ()
    skills = {f"{card.metric}/{task}": task for task in card.margins}
    return tuple(
        _budget(skills[each.metric], card.margins[skills[each.metric]], each)
        for each in differences
        if each.metric in skills
    )


def _budget(skill: str, margin: float, difference: Difference) -> Budget:
    sign = -1.0 if difference.better is Better.HIGHER else 1.0
    # + 0.0 makes no difference 0, not -0.
    spent = None if difference.estimate is None else sign * difference.estimate + 0.0
    ends = [sign * end for end in (difference.low, difference.high) if end is not None]
    most, least = (max(ends), min(ends)) if len(ends) == 2 else (None, None)
    state = Forgotten.UNKNOWN
    if most is not None and least is not None and not difference.unmeasured:
        state = (
            Forgotten.WITHIN
            if most <= margin
            else Forgotten.OVERSPENT
            if least > margin
            else Forgotten.UNKNOWN
        )
    return Budget(
        skill=skill,
        metric=difference.metric,
        baseline=difference.baseline,
        margin=margin,
        spent=spent,
        spent_at_most=most,
        left=None if spent is None else margin - spent,
        n=difference.n,
        smallest_detectable=difference.smallest_detectable,
        state=state,
    )
