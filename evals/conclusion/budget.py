"""The forgetting budget: per skill, what a release may lose against a baseline, what it lost, and what is left. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from aftertune.values.evaluation import Better, Budget, Difference, Forgotten
from evals.conclusion.filled import filled_difference
from evals.conclusion.slices import Results, slices
from evals.suite.suite import Suite

Ends = tuple[float | None, float | None]
"""The low and the high end of a difference's interval."""


class Loss(NamedTuple):
    """An interval of what was lost: both ends, the smaller first."""

    least: float
    most: float


def budgets(
    suite: Suite, differences: Sequence[Difference], ours: Results, baselines: Mapping[str, Results]
) -> Iterator[Budget]:
    """One for each skill and baseline, in the order of the `differences`, which are those of `ours` from the `baselines`."""
    card = suite.card.budget
    if card is None:
        return
    skills = {f"{card.metric}/{task}": task for task in card.margins}
    cuts = {cut.name: cut for cut in slices(suite)}
    for each in differences:
        if each.metric not in skills:
            continue
        skill, cut = skills[each.metric], cuts[each.metric]
        possible: Sequence[Ends] | None = ((each.low, each.high),)
        if each.unmeasured:
            both = cut.both(ours, baselines[each.baseline])
            filled = filled_difference(cut, both, seed=suite.card.seed)
            possible = None if filled is None else [(one.low, one.high) for one in filled]
        yield budget(skill, card.margins[skill], each, possible)


def budget(skill: str, margin: float, difference: Difference, possible: Sequence[Ends] | None) -> Budget:
    """`possible`: the difference's interval for each thing that the unmeasured samples could be; None: nothing limits it.

    The state stands on the interval, not on the point, and is known only where all the possible ones agree on it.
    """
    better = difference.better
    spent = None if difference.estimate is None else _lost(better, difference.estimate)
    measured = _loss(better, (difference.low, difference.high))
    losses = [_loss(better, ends) for ends in possible or ()]
    whole = [loss for loss in losses if loss is not None]
    known = bool(whole) and len(whole) == len(losses) and spent is not None
    states = {_state(loss, margin) for loss in whole} if known else {Forgotten.UNKNOWN}
    return Budget(
        skill=skill,
        metric=difference.metric,
        baseline=difference.baseline,
        margin=margin,
        spent=spent,
        spent_at_most=None if measured is None else measured.most,
        left=None if spent is None else margin - spent,
        n=difference.n,
        unmeasured=difference.unmeasured,
        possible=(min(loss.least for loss in whole), max(loss.most for loss in whole)) if known else None,
        smallest_detectable=difference.smallest_detectable,
        state=states.pop() if len(states) == 1 else Forgotten.UNKNOWN,
    )


def _state(loss: Loss, margin: float) -> Forgotten:
    if loss.most <= margin:
        return Forgotten.WITHIN
    return Forgotten.OVERSPENT if loss.least > margin else Forgotten.UNKNOWN


def _loss(better: Better, ends: Ends) -> Loss | None:
    low, high = ends
    if low is None or high is None:
        return None
    return Loss(*sorted((_lost(better, low), _lost(better, high))))


def _lost(better: Better, difference: float) -> float:
    # + 0.0 makes no difference 0, not -0.
    return (-difference if better is Better.HIGHER else difference) + 0.0
