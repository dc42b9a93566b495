"""Whether a limit is kept: pure. A gate stands on a bound, and is decided only when it would be the same either way."""

from typing import NamedTuple

from aftertune.values.evaluation import Gate
from evals.conclusion.estimate import Estimated, compare, estimate
from evals.conclusion.filled import Filled, filled_difference, filled_score
from evals.conclusion.slices import Results, Slice
from evals.suite.card import GateCard


class _Outcome(NamedTuple):
    """What was measured, and the gate's bound with each thing that the unmeasured samples could have been.

    None where nothing limits what that is.
    """

    found: Estimated
    unmeasured: int
    bounds: tuple[float | None, ...] | None


def gate_on_score(card: GateCard, cut: Slice, results: Results, *, seed: int) -> Gate:
    side = cut.side(results)
    found = estimate(cut.metric, list(side.measured.values()), seed=seed)
    possible = filled_score(cut, side, seed=seed) if side.unmeasured else (found,)
    return _decide(card, "", _outcome(card, found, len(side.unmeasured), possible))


def gate_on_difference(
    card: GateCard, cut: Slice, baseline: str, ours: Results, theirs: Results, *, seed: int
) -> Gate:
    both = cut.both(ours, theirs)
    found = compare(cut.metric, list(both.pairs.values()), seed=seed)
    possible = filled_difference(cut, both, seed=seed) if both.unmeasured else (found,)
    return _decide(card, baseline, _outcome(card, found, len(both.unmeasured), possible))


def _outcome(card: GateCard, found: Estimated, unmeasured: int, possible: Filled) -> _Outcome:
    bounds = None if possible is None else tuple(_bound(card, each) for each in possible)
    return _Outcome(found, unmeasured, bounds)


def _decide(card: GateCard, baseline: str, outcome: _Outcome) -> Gate:
    found, value, passed = outcome.found, _bound(card, outcome.found), None
    if found.estimate is None:
        reason = f"{card.in_words()}: {found.fault or 'nothing was measured'}."
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


def _bound(card: GateCard, found: Estimated) -> float | None:
    return found.low if card.bound.is_low else found.high


def _keeps(card: GateCard, value: float) -> bool:
    return value >= card.limit if card.bound.is_low else value <= card.limit
