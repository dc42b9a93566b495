"""How rarely the nightly watch cries wolf in a year, and how soon it finds a drop.

    python -m benchmarks.nightly > benchmarks/nightly.md

Scores are simulated, suite by suite, and go through the same `evals.conclusion.watch.Watch` as a deployment's.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from aftertune.stats.interval import clopper_pearson
from evals.conclusion.watch import FALSE_ALARMS, Watch

SAMPLES = 400
YEAR = 365
YEARS = 1000
DROPS = 1000
DROP = 0.06
SPREAD = 0.3
SEED = 2026
CHANGED_AT = (1, 2, 3, 5, 10, 30, 200)
"""The first night after the reference on which the drop is there."""

Row = NDArray[np.float64]
Nights = Iterator[Row]
Draw = Callable[[np.random.Generator], Nights]
"""Endless nights of one suite, the reference first."""


@dataclass(frozen=True)
class Unchanged:
    name: str
    draw: Draw
    metrics: int = 1
    """Metrics of the suite, one stream each."""


@dataclass(frozen=True)
class Dropped:
    """Nights before the drop come from `before`; `after` makes the later ones, from the same suite."""

    name: str
    draw: Callable[[np.random.Generator], tuple[Nights, Nights]]


def continuous(rng: np.random.Generator, correlation: float = 0.0) -> Nights:
    """Items of any height; noise whose difference between two nights has the standard deviation SPREAD."""
    level, sd = rng.random(SAMPLES), SPREAD / np.sqrt(2)
    noise = rng.normal(0, sd, SAMPLES)
    while True:
        yield level + noise
        noise = correlation * noise + np.sqrt(1 - correlation**2) * rng.normal(0, sd, SAMPLES)


def coins(rng: np.random.Generator, chance: Row, kept: float = 0.0) -> Nights:
    """0 or 1, each item with a chance of its own; a share `kept` of items repeats last night's answer."""
    score = (rng.random(chance.size) < chance).astype(float)
    while True:
        yield score
        fresh = (rng.random(chance.size) < chance).astype(float)
        score = np.where(rng.random(chance.size) < kept, score, fresh)


def flaky(rng: np.random.Generator, share: float, samples: int = SAMPLES) -> Row:
    """Chances of items of which a share is flaky, anywhere between never and always; four in five others are right."""
    stable = (rng.random(samples) < 0.8).astype(float)
    return np.where(rng.random(samples) < share, rng.random(samples), stable)


def nearly_stable() -> Row:
    """Five items in 400 fail one time in ten, all others never vary."""
    return np.where(np.arange(SAMPLES) < 5, 0.9, 1.0)


def uneven(rng: np.random.Generator) -> Row:
    """Heavy item effects: most items almost always right or almost always wrong."""
    return rng.beta(0.3, 0.1, SAMPLES)


def with_gaps(nights: Nights, rng: np.random.Generator) -> Nights:
    """One night in ten is missed; on the others one score in twenty is missing."""
    for row in nights:
        if rng.random() >= 0.1:
            yield np.where(rng.random(row.size) < 0.05, np.nan, row)


def shaken(nights: Nights, rng: np.random.Generator, sd: float) -> Nights:
    """All items move together, each night anew: what the method assumes away."""
    for row in nights:
        yield row + rng.normal(0, sd)


UNCHANGED = (
    Unchanged("scores with normal noise", continuous),
    Unchanged("0/1, every item its own chance, most near 0 or 1", lambda rng: coins(rng, uneven(rng))),
    Unchanged("0/1, 30 % of items flaky", lambda rng: coins(rng, flaky(rng, 0.3))),
    Unchanged("0/1, 30 % flaky, 3 metrics", lambda rng: coins(rng, flaky(rng, 0.3)), metrics=3),
    Unchanged("0/1, 30 % flaky, 20 samples", lambda rng: coins(rng, flaky(rng, 0.3, 20))),
    Unchanged("0/1, 5 items of 400 fail one time in ten", lambda rng: coins(rng, nearly_stable())),
    Unchanged("deterministic", lambda rng: coins(rng, flaky(rng, 0.0))),
    Unchanged(
        "0/1, 30 % flaky, nights and scores missing",
        lambda rng: with_gaps(coins(rng, flaky(rng, 0.3)), rng),
    ),
    Unchanged("normal noise, nights correlated 0.5", lambda rng: continuous(rng, 0.5)),
    Unchanged("0/1, 30 % flaky, half of the answers kept", lambda rng: coins(rng, flaky(rng, 0.3), 0.5)),
    Unchanged("0/1, 30 % flaky, nine answers in ten kept", lambda rng: coins(rng, flaky(rng, 0.3), 0.9)),
)

OUTSIDE = (
    Unchanged(
        "all samples move together, sd 0.5 points a night",
        lambda rng: shaken(continuous(rng), rng, 0.005),
    ),
    Unchanged(
        "all samples move together, sd 2 points a night",
        lambda rng: shaken(continuous(rng), rng, 0.02),
    ),
)


def every_item(rng: np.random.Generator) -> tuple[Nights, Nights]:
    """Answers are noisy, the reference's too; every item loses the same."""
    nights = continuous(rng)
    return nights, (row - DROP for row in nights)


def independent(rng: np.random.Generator) -> tuple[Nights, Nights]:
    """A reference without noise; differences from it are drawn anew each night."""
    stable = np.zeros(SAMPLES)

    def after() -> Nights:
        while True:
            yield rng.normal(-DROP, SPREAD, SAMPLES)

    return repeat(stable), after()


def flipped(rng: np.random.Generator) -> tuple[Nights, Nights]:
    """A deterministic model: some items turn wrong, fewer turn right, and stay so."""
    stable = (rng.random(SAMPLES) < 0.8).astype(float)
    discordant = SPREAD**2 + DROP**2
    u = rng.random(SAMPLES)
    turned = np.where(u < (discordant + DROP) / 2, -1.0, np.where(u < discordant, 1.0, 0.0))
    return repeat(stable), repeat(stable + turned)


def rarer(rng: np.random.Generator) -> tuple[Nights, Nights]:
    """0/1: every item is right less often, and differs between two nights with the standard deviation SPREAD."""
    before = 0.5 + np.sqrt(0.25 - SPREAD**2 / 2 - DROP**2 / 4) + DROP / 2
    return coins(rng, np.full(SAMPLES, before)), coins(rng, np.full(SAMPLES, before - DROP))


DROPPED = (
    Dropped("normal noise on both sides", every_item),
    Dropped("exact reference, fresh noise each night", independent),
    Dropped("deterministic, flipped items stay flipped", flipped),
    Dropped("0/1, each item right less often", rarer),
)


def alarm_within(
    streams: list[Nights], nights: int, quiet_until: int = 0, after: Nights | None = None
) -> int | None:
    """The night of the first alarm of any metric, or None. From night `quiet_until` + 1 the first metric is `after`'s."""
    watches = [Watch(next(stream)) for stream in streams]
    share = FALSE_ALARMS / len(streams)
    for number in range(1, nights + 1):
        if after is not None and number > quiet_until:
            streams[0], after = after, None
        if any(watch.observe(next(rows), share) for watch, rows in zip(watches, streams, strict=True)):
            return number
    return None


def false_alarms(suite: Unchanged, years: int) -> int:
    """How many of so many simulated years have an alarm."""
    alarmed = 0
    for year in range(years):
        rng = np.random.default_rng([SEED, year])
        streams = [suite.draw(rng) for _ in range(suite.metrics)]
        alarmed += alarm_within(streams, YEAR) is not None
    return alarmed


def tested_every_night(suite: Unchanged, years: int) -> int:
    """The same years under a one-sided z test of each night's paired differences at 5 %."""
    limit = NormalDist().inv_cdf(FALSE_ALARMS)
    alarmed = 0
    for year in range(years):
        rng = np.random.default_rng([SEED, year])
        nights = suite.draw(rng)
        reference = next(nights)
        for _ in range(YEAR):
            d = next(nights) - reference
            error = d.std(ddof=1) / np.sqrt(d.size)
            if error > 0 and d.mean() / error < limit:
                alarmed += 1
                break
    return alarmed


def found(drop: Dropped, first_night: int, runs: int, metrics: int = 1) -> tuple[int, int]:
    """In how many of so many runs without an earlier alarm the drop is found on its first night, and on its first three."""
    at_once = in_three = 0
    for run in range(runs):
        rng = np.random.default_rng([SEED, 1, run])
        before, after = drop.draw(rng)
        streams = [before, *(continuous(rng) for _ in range(metrics - 1))]
        alarm = alarm_within(streams, first_night + 2, first_night - 1, after)
        at_once += alarm == first_night
        in_three += alarm is not None and alarm >= first_night
    return at_once, in_three


def share(part: int, whole: int) -> str:
    low, high = clopper_pearson(part, whole)
    return f"{part / whole:.1%} [{low:.1%}, {high:.1%}]"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def report(years: int, runs: int) -> Iterator[str]:
    """The page, line by line."""
    yield from (
        "# The nightly watch: false alarms and drops found",
        "",
        f"Made by `python -m benchmarks.nightly`, seed {SEED}. Suites of {SAMPLES} samples unless another number is given;",
        "the reference is one run like the others. Intervals are Clopper-Pearson's, 95 %. What is assumed, and why, is in",
        "[docs/statistics.md](../docs/statistics.md).",
        "",
        f"## A year without change: {YEAR} nights",
        "",
        f"Goal: at most {FALSE_ALARMS:.0%} of suites ever alarm.",
        "",
        "| suite | years | years with an alarm |",
        "|---|---|---|",
    )
    for suite in UNCHANGED:
        yield f"| {suite.name} | {years:,} | {share(false_alarms(suite, years), years)} |"
        say(suite.name)
    few = max(1, years // 20)
    naive = share(tested_every_night(UNCHANGED[0], few), few)
    yield from (
        "",
        f"A one-sided test of each night at 5 % alarms in {naive} of {few:,} years of the first suite.",
        "",
        "Outside the assumption that samples vary independently, for comparison; such a night is a real change of score:",
        "",
        "| suite | years | years with an alarm |",
        "|---|---|---|",
    )
    for suite in OUTSIDE:
        yield f"| {suite.name} | {few:,} | {share(false_alarms(suite, few), few)} |"
    yield from (
        "",
        f"## A drop of {DROP * 100:.0f} points, {SAMPLES} paired samples, standard deviation of the differences {SPREAD}",
        "",
        "Goal: found within three nights in at least 90 %. An alarm before the drop counts as not found.",
        "",
        "| drop | metrics watched | from night | runs | found on that night | within three nights |",
        "|---|---|---|---|---|---|",
    )
    for drop in DROPPED:
        for metrics, nights in ((1, CHANGED_AT), (3, CHANGED_AT[:1])):
            for first_night in nights:
                at_once, in_three = found(drop, first_night, runs, metrics)
                yield (
                    f"| {drop.name} | {metrics} | {first_night} | {runs:,} | {share(at_once, runs)} | "
                    f"{share(in_three, runs)} |"
                )
        say(drop.name)


if __name__ == "__main__":
    for line in report(YEARS, DROPS):
        print(line, flush=True)
