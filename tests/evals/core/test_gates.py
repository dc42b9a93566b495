"""A gate is decided only where no value of the unmeasured samples could turn it."""

import pytest

from aftertune.values.evaluation import Better, Bound, SampleResult
from evals.conclusion.gates import gate_on_difference, gate_on_score
from evals.conclusion.slices import Slice
from evals.scorers.exact_match import exact_match
from evals.suite.card import GateCard, Role
from evals.suite.metric import Kind, Metric


def passed(metric: Metric, values: list[float | None], limit: float, cluster: int = 1) -> bool | None:
    bound = Bound.SCORE_LOW if metric.better is Better.HIGHER else Bound.SCORE_HIGH
    ids = [f"s{number:03}" for number in range(len(values))]
    cut = Slice("m", exact_match, metric, {each: str(int(each[1:]) // cluster) for each in ids})
    results = {
        each: SampleResult(run="r", sample=each, release="v", scores={"m": value})
        for each, value in zip(ids, values, strict=True)
    }
    return gate_on_score(GateCard(metric="m", bound=bound, limit=limit), cut, results, seed=1).passed


LOW = [0.05 + 0.002 * (number % 3) for number in range(39)]


@pytest.mark.parametrize("better", list(Better))
def test_a_better_sample_far_off_the_others_could_turn_it_too(better: Better) -> None:
    """It makes the interval wider: with 0 in its place the gate holds, with 1 it does not."""
    metric = Metric("m", "a mean", Kind.MEAN, better=better)
    turned = better is Better.LOWER
    values = [1 - value if turned else value for value in LOW]
    limit = 0.957 if turned else 0.043
    assert passed(metric, [*values, float(turned)], limit) is True
    assert passed(metric, [*values, float(not turned)], limit) is False
    assert passed(metric, [*values, None], limit) is None


def test_all_right_is_no_better_proven_than_all_but_one_in_clusters() -> None:
    """Clusters that are all alike are bounded otherwise than by their spread: neither end is always the worse."""
    metric = Metric("m", "a share")
    right: list[float | None] = [1.0] * 199
    assert passed(metric, [*right, 1.0], 0.965, cluster=2) is False
    assert passed(metric, [*right, 0.0], 0.965, cluster=2) is True
    assert passed(metric, [*right, None], 0.965, cluster=2) is None


def test_what_lies_far_from_the_limit_is_decided() -> None:
    metric = Metric("m", "a mean", Kind.MEAN)
    assert passed(metric, [*LOW, None], 0.5) is False
    assert passed(metric, [*(1 - value for value in LOW), None], 0.5) is True


def passed_of_gains(gains: list[float | None], limit: float, clusters: int) -> bool | None:
    """Of right and wrong, against a release; 0 is both right."""
    ids = [f"s{number:03}" for number in range(len(gains))]
    cut = Slice(
        "m", exact_match, Metric("m", "a share"), {each: f"c{int(each[1:]) % clusters}" for each in ids}
    )
    ours, theirs = (
        {
            each: SampleResult(
                run="r", sample=each, release="v", scores={"m": None if gain is None else float(gain != lost)}
            )
            for each, gain in zip(ids, gains, strict=True)
        }
        for lost in (-1.0, 1.0)
    )
    card = GateCard(metric="m", bound=Bound.DIFFERENCE_LOW, limit=limit, baseline=Role.BASE)
    return gate_on_difference(card, cut, "base", ours, theirs, seed=1).passed


def test_a_pair_without_a_difference_could_turn_it_too() -> None:
    """Where no pair differs in any cluster, less is known of the spread than where one does."""
    same: list[float | None] = [0.0] * 37
    assert passed_of_gains([-1.0, *same], -0.5, 3) is True
    assert passed_of_gains([0.0, *same], -0.5, 3) is False
    assert passed_of_gains([None, *same], -0.5, 3) is None


def test_a_whole_cluster_off_the_others_could_turn_it_too() -> None:
    rest: list[float | None] = [float(number in (11, 23)) for number in range(32)]
    assert passed_of_gains([0.0, 0.0, 0.0, 0.0, *rest], -0.6, 3) is True
    assert passed_of_gains([1.0, 0.0, 0.0, 1.0, *rest], -0.6, 3) is False
    assert passed_of_gains([None, None, None, None, *rest], -0.6, 3) is None
