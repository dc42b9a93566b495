"""Samples on which two releases differ, side by side: what was asked, both answers, their scores, what judges said."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from aftertune.store import Transaction
from aftertune.values.evaluation import Difference, SampleResult
from aftertune.values.value import Value
from console.access import Caller
from console.concealment import result_for


class Side(NamedTuple):
    """A release, and the run in which it answered."""

    run: str
    release: str


class Changed(Value):
    """One sample on which the release is worse, or better, than a baseline, by these metrics."""

    sample: str
    baseline: str
    metrics: tuple[str, ...]


class Flip(Value):
    """None where something is not stored."""

    changed: Changed
    question: str | None
    baseline: SampleResult | None
    release: SampleResult | None


def changed_samples(differences: Iterable[Difference], *, worse: bool) -> list[Changed]:
    """Each sample once for a baseline, in the order of the differences and of their samples."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in differences:
        for sample in each.flipped_down if worse else each.flipped_up:
            found.setdefault((each.baseline, sample), []).append(each.metric)
    return [
        Changed(sample=sample, baseline=baseline, metrics=tuple(metrics))
        for (baseline, sample), metrics in found.items()
    ]


def read_flips(
    tx: Transaction,
    caller: Caller,
    changed: Sequence[Changed],
    dataset: str,
    release: Side,
    baseline_run: str,
) -> Iterator[Flip]:
    """What is stored of each; `baseline_run` is where the baselines answered, which may be the release's own run."""
    samples = {each.sample for each in changed}
    questions = tx.questions.of(dataset, samples)
    results = {
        (result.run, result.release, result.sample): result_for(caller, result)
        for run in sorted({release.run, baseline_run})
        for result in tx.evaluations.results(run, samples)
    }
    for each in changed:
        yield Flip(
            changed=each,
            question=questions.get(each.sample),
            baseline=results.get((baseline_run, each.baseline, each.sample)),
            release=results.get((release.run, release.release, each.sample)),
        )
