"""Whose turn which item is. Pure: everything is computed from the items, the ratings and the claims.

Two people rate an item, never the same one twice. Where they differ a third person decides. A claim holds an item for a
person while they work on it, so that nobody rates in vain.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from aftertune.values.review import RATERS, Criterion, Form, Progress, Rating, ReviewItem, Safety, Scale

APART = 2
"""Values on 1–5 that lie so far apart, or further, are a disagreement; on the other scales any two that differ are."""


class Claim(NamedTuple):
    """A person's hold on an item, until a moment."""

    item: str
    reviewer: str
    until: datetime


class Rated(NamedTuple):
    """An item with all that was said of it, in the order in which it was said."""

    item: ReviewItem
    ratings: tuple[Rating, ...]

    @property
    def first_hand(self) -> tuple[Rating, ...]:
        """Without the third person's word."""
        return tuple(rating for rating in self.ratings if not rating.adjudication)

    @property
    def decided(self) -> Rating | None:
        return next((rating for rating in self.ratings if rating.adjudication), None)

    @property
    def complete(self) -> bool:
        """Both are in: from here on others may see them."""
        return len(self.first_hand) >= RATERS

    @property
    def flagged(self) -> bool:
        return any(rating.safety for rating in self.ratings)

    def by(self, reviewer: str) -> Rating | None:
        return next((rating for rating in self.ratings if rating.reviewer == reviewer), None)


class Standing(NamedTuple):
    """How far a campaign is, and of one reviewer: what they rated, and what `offered` has for them, as numbers."""

    progress: Progress
    rated: int
    left: int
    disagreements: int


class Warned(NamedTuple):
    """A reviewer's warning about an item."""

    item: str
    safety: Safety


def with_ratings(items: Iterable[ReviewItem], ratings: Iterable[Rating]) -> list[Rated]:
    """In the items' order."""
    said: dict[str, list[Rating]] = {}
    for rating in ratings:
        said.setdefault(rating.item, []).append(rating)
    return [
        Rated(item, tuple(sorted(said.get(item.id, ()), key=lambda rating: (rating.at, rating.reviewer))))
        for item in items
    ]


def disagreement(form: Form, rated: Rated) -> bool:
    """Whether those who rated it first hand differ on a criterion, or one alone saw a danger.

    `aftertune.store.review_standing` says the same to the database.
    """
    ratings = rated.first_hand
    if len({rating.safety is None for rating in ratings}) > 1 and rated.complete:
        return True
    for criterion in form.criteria:
        values = [value for rating in ratings if (value := rating.values.get(criterion.name)) is not None]
        if len(values) >= RATERS and max(values) - min(values) >= least_apart(criterion):
            return True
    return False


def least_apart(criterion: Criterion) -> int:
    """The distance from which on two values of it are a disagreement."""
    return APART if criterion.scale is Scale.ONE_TO_FIVE else 1


def undecided(form: Form, rated: Rated) -> bool:
    """Waits for a third person."""
    return rated.complete and rated.decided is None and disagreement(form, rated)


def offered(
    form: Form,
    all_rated: Sequence[Rated],
    claims: Sequence[Claim],
    reviewer: str,
    now: datetime,
    *,
    adjudicate: bool,
) -> list[ReviewItem]:
    """What this person can take next, best first: what they hold, then what was flagged, then by risk."""
    held = {claim.item for claim in claims if claim.reviewer == reviewer and claim.until > now}
    others = _held_by_others(claims, reviewer, now)
    free = [
        rated
        for rated in all_rated
        if rated.by(reviewer) is None
        and (
            undecided(form, rated) and not others.get(rated.item.id)
            if adjudicate
            else len(rated.first_hand) + others.get(rated.item.id, 0) < RATERS
        )
    ]
    free.sort(key=lambda rated: (rated.item.id not in held, not rated.flagged, rated.item.position))
    return [rated.item for rated in free]


def progress(form: Form, all_rated: Sequence[Rated]) -> Progress:
    return Progress(
        items=len(all_rated),
        rated=sum(rated.complete for rated in all_rated),
        begun=sum(bool(rated.ratings) and not rated.complete for rated in all_rated),
        disagreements=sum(undecided(form, rated) for rated in all_rated),
        adjudicated=sum(rated.decided is not None for rated in all_rated),
        flagged=sum(rated.flagged for rated in all_rated),
    )


def _held_by_others(claims: Sequence[Claim], reviewer: str, now: datetime) -> Mapping[str, int]:
    held: dict[str, int] = {}
    for claim in claims:
        if claim.reviewer != reviewer and claim.until > now:
            held[claim.item] = held.get(claim.item, 0) + 1
    return held
