"""What a campaign adds up to: how far people agree, and what they found, each with its n and interval.

Importing it loads scipy.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from aftertune.reviews.labels import Label, calibration_set
from aftertune.reviews.queue import Rated, progress
from aftertune.stats.agreement import Level, Weights, alpha_of, kappa_of
from aftertune.stats.bootstrap import bootstrap
from aftertune.values.review import RATERS, Agreement, Campaign, Criterion, Finding, Results, Scale

DRAWS = 1000
BOOTSTRAP = f"Bootstrap of items, {DRAWS} draws, percentile"
NO_INTERVAL = "Too few items, or all alike: no interval"
FEWEST_SHARED = 10
"""Items that two people must share before their kappa is told."""

Table = NDArray[np.float64]
"""Of ratings: one row an item, one column a person; NaN where they did not rate it or could not tell."""


def results(campaign: Campaign, all_rated: Sequence[Rated]) -> Results:
    """From the ratings alone; the same each time."""
    left, decided = _left_preferred(campaign, all_rated)
    return Results(
        campaign=campaign.id,
        progress=progress(campaign.form, all_rated),
        agreements=tuple(
            agreement
            for criterion in campaign.form.criteria
            for agreement in _agreements(campaign, criterion, all_rated)
        ),
        findings=tuple(_findings(campaign, all_rated)),
        left_preferred=left,
        left_decided=decided,
    )


def _agreements(campaign: Campaign, criterion: Criterion, all_rated: Sequence[Rated]) -> Iterator[Agreement]:
    """Alpha over everybody, then kappa for each two people who share enough items. Third persons' words are out."""
    people = sorted({rating.reviewer for rated in all_rated for rating in rated.first_hand})
    table = _table(criterion, all_rated, people)
    values = np.array(criterion.scale.values, dtype=np.float64)
    seed = int(campaign.seed[:8], 16)
    graded = criterion.scale is Scale.ONE_TO_FIVE
    level: Level = "ordinal" if graded else "nominal"
    shared = table[np.count_nonzero(~np.isnan(table), axis=1) >= RATERS]
    yield _agreement(
        criterion,
        f"krippendorff_alpha, {level}",
        (),
        _coincidences(shared, values),
        lambda met: alpha_of(met, values, level),
        seed,
    )
    weights: Weights | None = "quadratic" if graded else None
    for first, second in combinations(range(len(people)), 2):
        both = table[:, [first, second]]
        both = both[~np.isnan(both).any(axis=1)]
        if len(both) >= FEWEST_SHARED:
            yield _agreement(
                criterion,
                f"cohen_kappa, {weights or 'unweighted'}",
                (people[first], people[second]),
                _meetings(both, values),
                lambda met: kappa_of(met, weights),
                seed,
            )


def _table(criterion: Criterion, all_rated: Sequence[Rated], people: Sequence[str]) -> Table:
    column = {person: number for number, person in enumerate(people)}
    table = np.full((len(all_rated), len(people)), np.nan)
    for row, rated in enumerate(all_rated):
        for rating in rated.first_hand:
            value = rating.values.get(criterion.name)
            if value is not None:
                table[row, column[rating.reviewer]] = value
    return table


def _coincidences(table: Table, values: Table) -> Table:
    """What each item, rated by two or more, adds to the matrix that alpha is computed from; one matrix an item."""
    counts = np.equal(table[:, :, np.newaxis], values).sum(axis=1).astype(np.float64)
    ordered = counts[:, :, np.newaxis] * counts[:, np.newaxis, :]
    itself = counts[:, :, np.newaxis] * np.eye(len(values))
    return np.asarray((ordered - itself) / (counts.sum(axis=1) - 1)[:, np.newaxis, np.newaxis])


def _meetings(both: Table, values: Table) -> Table:
    """What each item adds to the table that a kappa is computed from: 1 where the two persons' grades meet."""
    first, second = (np.equal(both[:, side, np.newaxis], values).astype(np.float64) for side in (0, 1))
    return np.asarray(first[:, :, np.newaxis] * second[:, np.newaxis, :])


def _agreement(
    criterion: Criterion,
    statistic: str,
    raters: tuple[str, ...],
    met: Table,
    coefficient: Callable[[Table], float],
    seed: int,
) -> Agreement:
    """`met`: one matrix an item; the coefficient is one of their sum, so that a draw of items costs one sum."""
    shown = {"criterion": criterion.name, "statistic": statistic, "raters": raters, "n": len(met)}
    if not len(met):
        return Agreement(**shown, estimate=None, low=None, high=None, method="Nothing was rated twice")
    found = bootstrap(
        met.reshape(len(met), -1),
        None,
        lambda rows: coefficient(rows.sum(axis=0).reshape(met.shape[1:])),
        seed=seed,
        draws=DRAWS,
    )
    if not isfinite(found.estimate):
        return Agreement(
            **shown, estimate=None, low=None, high=None, method="All gave one value: agreement is not defined"
        )
    method = NO_INTERVAL if found.low is None else BOOTSTRAP
    return Agreement(**shown, estimate=found.estimate, low=found.low, high=found.high, method=method)


def _findings(campaign: Campaign, all_rated: Sequence[Rated]) -> Iterator[Finding]:
    """Of a preference only side 1: the share of side 0 is what is left."""
    labels = calibration_set(campaign, all_rated)
    release = campaign.source.sides[-1].release
    for criterion in campaign.form.criteria:
        of = [label for label in labels if (label.criterion, label.release) == (criterion.name, release)]
        yield _finding(campaign, criterion, release, of)


def _finding(campaign: Campaign, criterion: Criterion, release: str, labels: Sequence[Label]) -> Finding:
    """Σ w·y / Σ w: J. Hájek's ratio (comment in Foundations of Statistical Inference, 1971).

    The interval draws items as if with replacement and does not know that those taken for certain do not vary, so
    that it is rather too wide. What is not settled is left out, as if missing at random within its weight.
    """
    shown: Mapping[str, object] = {
        "criterion": criterion.name,
        "release": release,
        "n": len(labels),
        "unsettled": campaign.items - len(labels),
        "frame": campaign.frame,
    }
    if not labels:
        return Finding(**shown, estimate=None, low=None, high=None, method="Nothing is settled")
    rows = np.array([(label.weight * label.label, label.weight) for label in labels])
    found = bootstrap(rows, None, _weighted_mean, seed=int(campaign.seed[:8], 16), draws=DRAWS)
    method = NO_INTERVAL if found.low is None else f"{BOOTSTRAP}; weighted by 1 / probability"
    return Finding(**shown, estimate=found.estimate, low=found.low, high=found.high, method=method)


def _weighted_mean(rows: Table) -> float:
    weighted, weights = rows.sum(axis=0)
    return float(weighted / weights)


def _left_preferred(campaign: Campaign, all_rated: Sequence[Rated]) -> tuple[int, int]:
    """How many preferences, ties aside, went to the left, and of how many."""
    if not campaign.form.compares:
        return 0, 0
    said = [
        value if rating.swapped else -value
        for rated in all_rated
        for rating in rated.ratings
        for value in rating.values.values()
        if value
    ]
    return sum(value > 0 for value in said), len(said)
