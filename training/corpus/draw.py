"""Drawing samples: by kind, split and seed, always the same ones."""

from collections.abc import Callable, Iterator, Mapping
from random import Random

from aftertune.errors import UnknownName
from training.corpus.fraud import fraud_sample
from training.corpus.general import copy_sample, fact_sample, small_talk_sample, sum_sample
from training.corpus.plant import plant_sample
from training.corpus.sample import SPLITS, Sample, Split
from training.corpus.task_turns import confirmation_sample, task_talk_sample, tool_call_sample

_MAKERS: dict[str, Callable[[Split, Random, float], Sample]] = {
    "tool_call": tool_call_sample,
    "confirmation": confirmation_sample,
    "task_talk": task_talk_sample,
    "fact": fact_sample,
    "sum": sum_sample,
    "copy": copy_sample,
    "small_talk": small_talk_sample,
    "fraud": fraud_sample,
    "plant": plant_sample,
}
KINDS = tuple(_MAKERS)
GENERAL_KINDS = ("fact", "sum", "copy")


def samples(kind: str, split: Split, n: int, seed: int) -> list[Sample]:
    """`n` samples of one kind from one split; the same arguments give the same samples.

    Splits: `train`; `held_out_values`, known phrasings with values never trained on;
    `held_out_phrasings`, where phrasings and values are both new. Raises UnknownName for
    an unknown kind or split.
    """
    if kind not in _MAKERS:
        raise UnknownName("kind of sample", kind, KINDS)
    if split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    rng = Random(f"{kind} {split} {seed}")
    return [_MAKERS[kind](split, rng, 0.0) for _ in range(n)]


def mixture(shares: Mapping[str, float], seed: int, breadth: float = 0.0) -> Iterator[Sample]:
    """Endless training samples whose kinds come in the given shares (any positive weights).

    `breadth`, 0 to 1, is the share of requests worded from parts instead of the listed phrasings.
    """
    for kind in shares:
        if kind not in _MAKERS:
            raise UnknownName("kind of sample", kind, KINDS)
    rng = Random(f"mixture {seed}")
    kinds, weights = list(shares), list(shares.values())
    while True:
        yield _MAKERS[rng.choices(kinds, weights)[0]]("train", rng, breadth)
