"""Whether a limit is kept: pure. A gate stands on a bound, and is decided only when it would be the same either way."""

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from aftertune.values.evaluation import Better, Gate
from evals.conclusion.estimate import Estimated, Measured, Pair, Row, compare, estimate
from evals.conclusion.slices import Results, Slice
from evals.suite.card import GateCard
from evals.suite.metric import Kind, Metric


class _Outcome(NamedTuple):
    """What was measured, and the gate's bound with each thing that the unmeasured samples could have been.

    None where nothing limits what that is.
    """

    found: Estimated
    unmeasured: int
    bounds: tuple[float | None, ...] | None


def gate_on_score(card: GateCard, cut: Slice, results: Results, *, seed: int) -> Gate:
    side = cut.side(results)
    measured = list(side.measured.values())
    found = estimate(cut.metric, measured, seed=seed)
    if not side.unmeasured:
        return _decide(card, "", _Outcome(found, 0, (_bound(card, found),)))

    def bound_with(values: Sequence[float]) -> float | None:
        filled = (
            Measured((value,), cut.clusters[sample])
            for sample, value in zip(side.unmeasured, values, strict=True)
        )
        return _bound(card, estimate(cut.metric, [*measured, *filled], seed=seed))

    fills = _fills(cut.metric, len(side.unmeasured), [each.row for each in measured])
    bounds = None if fills is None else tuple(bound_with(values) for values in fills)
    return _decide(card, "", _Outcome(found, len(side.unmeasured), bounds))


def gate_on_difference(
    card: GateCard, cut: Slice, baseline: str, ours: Results, theirs: Results, *, seed: int
) -> Gate:
    both = cut.both(ours, theirs)
    pairs = list(both.pairs.values())
    found, count = compare(cut.metric, pairs, seed=seed), len(both.unmeasured)
    if not count:
        return _decide(card, baseline, _Outcome(found, 0, (_bound(card, found),)))

    def bound_with(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
        filled = (
            Pair((us,), (them,), cut.clusters[sample])
            for sample, us, them in zip(both.unmeasured, ours, theirs, strict=True)
        )
        return _bound(card, compare(cut.metric, [*pairs, *filled], seed=seed))

    us = _fills(cut.metric, count, [pair.ours for pair in pairs])
    them = _fills(cut.metric, count, [pair.theirs for pair in pairs], turned=True)
    bounds = None if us is None or them is None else tuple(map(bound_with, us, them))
    return _decide(card, baseline, _Outcome(found, count, bounds))


def _decide(card: GateCard, baseline: str, outcome: _Outcome) -> Gate:
    found, value, passed = outcome.found, _bound(card, outcome.found), None
    if found.estimate is None:
        reason = f"{card.in_words()}: nothing was measured."
    elif value is None:
        reason = f"{card.in_words()}: {found.n} samples give no interval (point {found.estimate:.3f})."
    else:
        if outcome.bounds is not None and None not in outcome.bounds:
            kept = {_keeps(card, bound) for bound in outcome.bounds if bound is not None}
            passed = kept.pop() if len(kept) == 1 else None
        verb = {True: "holds", False: "does not hold", None: "is not known"}[passed]
        unsure = f", and {outcome.unmeasured} unmeasured could turn it" if passed is None else ""
        reason = (
            f"{card.in_words()}: {verb} with {value:.3f} (point {found.estimate:.3f}, n = {found.n}{unsure})."
        )
    return Gate(
        metric=card.metric,
        bound=card.bound,
        baseline=baseline,
        limit=card.limit,
        value=value,
        passed=passed,
        reason=reason,
    )


def _fills(
    metric: Metric, count: int, rows: Sequence[Row], *, turned: bool = False
) -> tuple[list[float], ...] | None:
    """What `count` unmeasured samples could have been: all at one end or all but one, or all like those measured.

    The worst comes first, or last if `turned`. The ends alone do not decide: a sample that is far off the others also
    makes the interval wider, so a better one can lower its lower end. None where the metric has no end.
    """
    if metric.kind is Kind.AGGREGATE or metric.low is None or metric.high is None:
        return None
    ends = (metric.low, metric.high)
    first, last = ends if (metric.better is Better.HIGHER) is not turned else ends[::-1]
    values = [row[0] for row in rows]
    # Where every sample is 0 or 1 none can be in between.
    between = metric.kind is not Kind.SHARE or any(value not in ends for value in values)
    return (
        [first] * count,
        [last] * count,
        [last, *[first] * (count - 1)],
        [first, *[last] * (count - 1)],
        *([[fmean(values)] * count] if between and values else []),
    )


def _bound(card: GateCard, found: Estimated) -> float | None:
    return found.low if card.bound.is_low else found.high


def _keeps(card: GateCard, value: float) -> bool:
    return value >= card.limit if card.bound.is_low else value <= card.limit
