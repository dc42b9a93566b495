"""What people's ratings of an item settle on: the labels that judges are calibrated against."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aftertune.reviews.queue import APART, Rated
from aftertune.values.review import RATERS, Campaign, Criterion, Rating, Scale


class Label(NamedTuple):
    """A person's word on one answer. `sample` is the pair's id for live traffic; `weight` is 1 / probability.

    `label` is 1 to 5 (halves occur where two raters are one apart), 0 or 1, or for a preference how much the release
    is preferred: 1, ½ for a tie, 0.
    """

    sample: str
    release: str
    criterion: str
    label: float
    weight: float


def settled(criterion: Criterion, rated: Rated) -> float | None:
    """The third person's value; else the mean of two or more that do not disagree; None: nothing is settled."""
    if rated.decided is not None:
        value = rated.decided.values.get(criterion.name)
        return None if value is None else float(value)
    values = given(criterion, rated.first_hand)
    apart = APART if criterion.scale is Scale.ONE_TO_FIVE else 1
    if len(values) < RATERS or max(values) - min(values) >= apart:
        return None
    return sum(values) / len(values)


def given(criterion: Criterion, ratings: Iterable[Rating]) -> list[int]:
    """Without those who could not tell."""
    return [value for rating in ratings if (value := rating.values.get(criterion.name)) is not None]


def preferred(value: float, side: int) -> float:
    """A preference of −1 to 1 as the share that goes to a side."""
    return (1 + value) / 2 if side == 1 else (1 - value) / 2


def calibration_set(campaign: Campaign, all_rated: Iterable[Rated]) -> list[Label]:
    """Every settled label of a campaign, by item, criterion and side; of a preference one for each side."""
    return [
        Label(rated.item.subject, release, criterion.name, label, 1 / rated.item.probability)
        for rated in all_rated
        for criterion in campaign.form.criteria
        if (value := settled(criterion, rated)) is not None
        for release, label in _by_release(campaign, criterion, value).items()
    ]


def _by_release(campaign: Campaign, criterion: Criterion, value: float) -> Mapping[str, float]:
    sides = campaign.source.sides
    if criterion.scale is not Scale.PREFERENCE:
        return {sides[0].release: value}
    return {side.release: preferred(value, number) for number, side in enumerate(sides)}
