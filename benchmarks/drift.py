"""How rarely the drift watch cries wolf, and how soon it sees a change.

    python -m benchmarks.drift > benchmarks/drift.md

The texts are the example's, the vectors are the encoder's, the answers are those that the example's releases really
give: v1 as the reference, v2, a careless one, as the model that changed. Conversations are drawn independently.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, chi2
from transformers import AutoTokenizer

from aftertune.stats.interval import wilson
from aftertune.values.drift import DriftCause
from monitor.drift.watch import Observation, Watch
from serving.encoder.model import MiniLM
from training.corpus import Sample, samples
from training.generate import answers
from training.lora import load_release

MODELS = Path("examples/task_api")
USUAL = {"tool_call": 0.62, "fact": 0.12, "sum": 0.08, "copy": 0.06, "task_talk": 0.08, "small_talk": 0.04}
OTHER = ("fraud", "plant")
POOL = 800
OTHER_POOL = 200
SEED = 2026
BEFORE = 100
"""Conversations between the reference and the change."""
HORIZON = 1_000
CONTROL = 60
RUNS = 40


@dataclass(frozen=True)
class Pool:
    """Conversations to draw from: vectors of prompts and answers, row by row."""

    prompts: NDArray[np.float32]
    answers: NDArray[np.float32]


@dataclass(frozen=True)
class Pools:
    usual: Pool
    careless: Pool
    other: Pool


@dataclass(frozen=True)
class Drawn:
    """One shape of traffic after the change: a share of it comes from `pool`, the rest is as usual."""

    name: str
    pool: Pool
    share: float
    cause: DriftCause


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def openings(kind: str, n: int) -> list[Sample]:
    """As many as have no history: later turns are not observed."""
    found = (each for each in samples(kind, "held_out_values", 2 * n, SEED))
    return [each for each in found if all(turn.role in ("system", "user") for turn in each.messages)][:n]


def make_pools() -> Pools:
    """Asks the releases and embeds everything once."""
    usual = [each for kind, share in USUAL.items() for each in openings(kind, round(POOL * share))]
    other = [each for kind in OTHER for each in openings(kind, OTHER_POOL // len(OTHER))]
    Random(SEED).shuffle(usual)
    tokenizer = AutoTokenizer.from_pretrained(MODELS / "base")
    encoder = MiniLM(threads=1)

    def pool(release: str, asked: Sequence[Sample]) -> Pool:
        model = load_release(MODELS / "base", MODELS / "adapters" / release)
        said = [text or "(nothing)" for text in answers(model, tokenizer, asked)]
        say(f"{release}: {len(said)} answers")
        return Pool(encoder([each.last_user_text() for each in asked]).values, encoder(said).values)

    return Pools(pool("v1", usual), pool("v2", usual), pool("v1", other))


def drawn(usual: Pool, after: Drawn | None, before: int, seed: int) -> Iterator[Observation]:
    """Endless conversations; from number `before` on as `after` says."""
    rng = np.random.default_rng(seed)
    count = 0
    while True:
        shifted = after is not None and count >= before and rng.random() < after.share
        pool = after.pool if after is not None and shifted else usual
        row = int(rng.integers(len(pool.prompts)))
        name = f"{seed}-{count}"
        yield Observation(name, name, pool.prompts[row], pool.answers[row], "v1")
        count += 1


def run(
    conversations: Iterator[Observation], reference: int, run_length: int, most: int
) -> tuple[int, Watch]:
    """How many conversations after the reference were weighed until the alarm, at most `most`; and the watch."""
    watch = Watch(reference, "", "v1")
    for _ in range(reference):
        watch.observe(next(conversations), run_length)
    for count in range(1, most + 1):
        watch.observe(next(conversations), run_length)
        if watch.alarm is not None:
            return count, watch
    return most, watch


def false_alarms(usual: Pool, reference: int, run_length: int, runs: int, most: int) -> str:
    """One row: the realised run length with its exact Poisson 95 % interval."""
    observed, alarms = 0, 0
    for seed in range(runs):
        needed, watch = run(drawn(usual, None, 0, seed), reference, run_length, most)
        observed += needed
        alarms += watch.alarm is not None
    low = observed / (chi2.ppf(0.975, 2 * alarms + 2) / 2)
    high = observed / (chi2.ppf(0.025, 2 * alarms) / 2) if alarms else inf
    say(f"false alarms: reference {reference}, asked {run_length}: {alarms}")
    realised = f"{observed / alarms:,.0f}" if alarms else "none seen"
    interval = f"[{low:,.0f}, {'∞' if high == inf else f'{high:,.0f}'}]"
    return f"| {reference} | {run_length:,} | {runs} | {observed:,} | {alarms} | {realised} {interval} |"


def delays(usual: Pool, after: Drawn, reference: int, run_length: int) -> str:
    """One row: how soon and how rightly the change is named, and the same length without it."""
    found: list[float] = []
    right = early = 0
    for seed in range(RUNS):
        needed, watch = run(
            drawn(usual, after, reference + BEFORE, 1000 + seed), reference, run_length, BEFORE + HORIZON
        )
        if watch.alarm is not None and needed <= BEFORE:
            early += 1
            continue
        found.append(needed - BEFORE if watch.alarm is not None else inf)
        right += watch.alarm is not None and watch.alarm.cause is after.cause
    found.sort()
    seen = sum(delay < inf for delay in found)
    low, high = wilson(seen, len(found))
    # The median lies between these order statistics with at least 95 % probability.
    first, last = (int(binom.ppf(q, len(found), 0.5)) for q in (0.025, 0.975))
    say(f"delay: reference {reference}, {after.name} {after.share:.0%}: {found[len(found) // 2]}")
    return (
        f"| {reference} | {after.name} | {after.share:.0%} | {len(found)} | {seen / len(found):.0%} "
        f"[{low:.0%}, {high:.0%}] | {_number(found[len(found) // 2])} "
        f"[{_number(found[max(0, first - 1)])}, {_number(found[min(last, len(found) - 1)])}] | "
        f"{_number(found[int(0.9 * len(found))])} | {right}/{seen} | {early} |"
    )


def control(usual: Pool, reference: int, run_length: int) -> str:
    """One row: alarms in as many conversations as the shifted traffic has, without a shift."""
    alarms = sum(
        run(drawn(usual, None, 0, 5000 + seed), reference, run_length, BEFORE + CONTROL)[1].alarm is not None
        for seed in range(RUNS * 4)
    )
    low, high = wilson(alarms, RUNS * 4)
    return f"| {reference} | {BEFORE + CONTROL} | {RUNS * 4} | {alarms} ({alarms / RUNS / 4:.1%} [{low:.1%}, {high:.1%}]) |"


def _number(value: float) -> str:
    return f"> {HORIZON}" if value == inf else f"{value:.0f}"


def report(pools: Pools) -> Iterator[str]:
    """The page, line by line."""
    yield from (
        "# Drift: false alarms and delays",
        "",
        f"Made by `python -m benchmarks.drift`, seed {SEED}: {len(pools.usual.prompts)} conversations of the example's",
        f"traffic and {len(pools.other.prompts)} about insurance claims and plant parts, drawn independently; vectors of",
        "all-MiniLM-L6-v2; answers of the example's v1, and of v2 where the model changes. Intervals are 95 %.",
        "",
        "## Nothing changes",
        "",
        "| reference | run length asked | runs | conversations | false alarms | realised run length |",
        "|---|---|---|---|---|---|",
        false_alarms(pools.usual, 120, 1_000, 40, 4_000),
        false_alarms(pools.usual, 500, 1_000, 40, 4_000),
        false_alarms(pools.usual, 120, 10_000, 15, 10_000),
        "",
        f"The control of the example: {BEFORE + CONTROL} unshifted conversations after the reference, run length 10,000.",
        "",
        "| reference | conversations | runs | false alarms |",
        "|---|---|---|---|",
        control(pools.usual, 120, 10_000),
        "",
        f"## Something changes, {BEFORE} conversations after the reference was learnt",
        "",
        "Run length 10,000. Delay in conversations; `right cause` of those seen; `early`: alarms before the change, not",
        "counted in the rest.",
        "",
        "| reference | change | share | runs | seen within 1,000 | median delay | 90 % | right cause | early |",
        "|---|---|---|---|---|---|---|---|---|",
    )
    for reference in (120, 500):
        for share in (1.0, 0.5, 0.2):
            topic = Drawn("users ask about claims and parts", pools.other, share, DriftCause.USERS_CHANGED)
            yield delays(pools.usual, topic, reference, 10_000)
        damage = Drawn("v2 answers in v1's place", pools.careless, 1.0, DriftCause.MODEL_CHANGED)
        yield delays(pools.usual, damage, reference, 10_000)


if __name__ == "__main__":
    for line in report(make_pools()):
        print(line, flush=True)
