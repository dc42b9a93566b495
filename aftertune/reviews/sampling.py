"""Which answers people look at: the risky ones for certain, a share of the rest by lot.

Two strata: what is taken for its risk has probability 1; of the m others k are drawn without replacement, each with
probability k / m. Every candidate can be taken, so that means over the whole frame can be estimated by weighting each
item with 1 / its probability (D. G. Horvitz, D. J. Thompson, JASA 47, 1952).
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

from aftertune.reviews.blind import lot
from aftertune.values.review import Risk

LOW = 0.5
"""A score below is low; scores further apart than this disagree."""

LONG_SHARE = 0.9
"""An answer is long when it is longer than this share of all."""

_WEIGHT: Mapping[Risk, int] = {
    risk: 2 ** (len(Risk) - rank)
    for rank, risk in enumerate(risk for risk in Risk if risk is not Risk.RANDOM)
}
"""Each outweighs all that come after it together."""


class Evidence(NamedTuple):
    """What is known of a candidate without reading it. Scores are those in [0, 1] of which more is better."""

    subject: str
    scores: tuple[Mapping[str, float | None], ...]
    refused: bool
    length: int


class Drawn(NamedTuple):
    subject: str
    probability: float
    reasons: tuple[Risk, ...]


def draw(candidates: Sequence[Evidence], items: int, random_share: float, seed: str) -> list[Drawn]:
    """At most `items`, the riskiest first, then those drawn by lot; `random_share` of them, at least one, by lot.

    Where all fit all are taken. Raises ValueError when items < 1 or the share is not in (0, 1].
    """
    if items < 1 or not 0 < random_share <= 1:
        raise ValueError(f"items must be 1 or more and the share in (0, 1], got {items} and {random_share}")
    found = {each.subject: risks for each, risks in zip(candidates, _risks(candidates), strict=True)}
    by_lot = sorted(found, key=lambda subject: lot(seed, "random", subject))
    # Those as risky as each other have a draw of their own: who loses it would lose the other one as well.
    ties = sorted(found, key=lambda subject: lot(seed, "risk", subject))
    pressing = sorted(ties, key=lambda subject: -sum(_WEIGHT[risk] for risk in found[subject]))
    certain = pressing[: items if len(found) <= items else items - max(1, round(items * random_share))]
    if len(found) > items:
        certain = [subject for subject in certain if found[subject]]
    taken = set(certain)
    rest = [subject for subject in by_lot if subject not in taken]
    chosen = rest[: items - len(certain)]
    return [
        *(Drawn(subject, 1.0, found[subject]) for subject in certain),
        *(Drawn(subject, len(chosen) / len(rest), (*found[subject], Risk.RANDOM)) for subject in chosen),
    ]


def _risks(candidates: Sequence[Evidence]) -> list[tuple[Risk, ...]]:
    lengths = sorted(each.length for each in candidates)
    long = lengths[ceil(LONG_SHARE * len(lengths)) - 1] if lengths else 0
    return [tuple(risk for risk, holds in _signs(each, long) if holds) for each in candidates]


def _signs(each: Evidence, long: int) -> tuple[tuple[Risk, bool], ...]:
    measured = [{name: x for name, x in side.items() if x is not None} for side in each.scores]
    all_scores = [x for side in measured for x in side.values()]
    return (
        (Risk.FLIPPED, len(measured) == 2 and _flipped(*measured)),
        (
            Risk.SCORERS_DISAGREE,
            any(side and max(side.values()) - min(side.values()) > LOW for side in measured),
        ),
        (Risk.LOW_SCORE, any(x < LOW for x in all_scores)),
        (Risk.REFUSAL, each.refused),
        (Risk.LONG, each.length > long),
    )


def _flipped(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    return any(abs(first[name] - second[name]) >= LOW for name in first.keys() & second.keys())
