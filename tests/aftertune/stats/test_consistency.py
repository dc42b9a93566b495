"""Three definitions of consistency by their laws, and variances split as they were put together."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.stats.consistency import all_identical, modal_share, pairwise_agreement, variance_split

answers = st.lists(st.sampled_from("abc"), min_size=2, max_size=10)


@given(answers)
def test_definitions(given_answers: list[str]) -> None:
    pairs = list(combinations(given_answers, 2))
    pairwise = pairwise_agreement(given_answers)
    assert pairwise == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))
    assert modal_share(given_answers) == max(map(given_answers.count, "abc")) / len(given_answers)
    assert all_identical(given_answers) == float(len(set(given_answers)) == 1)


@given(answers)
def test_the_strictest_is_the_lowest(given_answers: list[str]) -> None:
    modal, pairwise, identical = (f(given_answers) for f in (modal_share, pairwise_agreement, all_identical))
    assert modal is not None
    assert pairwise is not None
    assert identical is not None
    assert identical <= pairwise <= modal <= 1.0


def test_one_model_by_three_definitions() -> None:
    """Right 98 % of the time, independently, over ten runs: 98 %, 96 % and 82 %."""
    rng = np.random.default_rng(1)
    samples = [np.where(rng.random(10) < 0.98, "right", "wrong").tolist() for _ in range(4_000)]
    means = [
        np.mean([f(runs) or 0.0 for runs in samples])
        for f in (modal_share, pairwise_agreement, all_identical)
    ]
    assert means == pytest.approx([0.98, 0.98**2 + 0.02**2, 0.98**10], abs=0.02)


@pytest.mark.parametrize("runs", [[], ["a"]])
def test_one_run_is_no_consistency(runs: list[str]) -> None:
    assert modal_share(runs) is pairwise_agreement(runs) is all_identical(runs) is None


def table(
    answers_sd: float, judge_sd: float, shape: tuple[int, int, int], seed: int = 4
) -> list[list[list[float]]]:
    rng = np.random.default_rng(seed)
    samples, runs, _ = shape
    values = rng.normal(0, 3, (samples, 1, 1)) + rng.normal(0, answers_sd, (samples, runs, 1))
    ratings: list[list[list[float]]] = (values + rng.normal(0, judge_sd, shape)).tolist()
    return ratings


@pytest.mark.parametrize(("answers_sd", "judge_sd"), [(1.0, 0.5), (0.3, 1.0), (0.0, 0.7)])
def test_variances_are_those_put_in(answers_sd: float, judge_sd: float) -> None:
    split = variance_split(table(answers_sd, judge_sd, (800, 4, 3)))
    assert split.judge == pytest.approx(judge_sd**2, rel=0.1)
    assert split.answers == pytest.approx(answers_sd**2, rel=0.15, abs=0.03)


def test_unequal_numbers_do_not_bias_it() -> None:
    ratings = table(0.8, 0.6, (800, 4, 4))
    uneven = [
        [answer[: 1 + (i + j) % 4] for j, answer in enumerate(sample[: 1 + i % 4])]
        for i, sample in enumerate(ratings)
    ]
    split = variance_split(uneven)
    assert split.answers == pytest.approx(0.64, rel=0.2)
    assert split.judge == pytest.approx(0.36, rel=0.15)


def test_by_hand() -> None:
    """One sample: answers rated (1, 3) and (5, 7). Within: 2. Between: mean square 16 = 2 + 2 · 7."""
    assert variance_split([[[1, 3], [5, 7]]]) == pytest.approx((7.0, 2.0))


def test_what_was_not_repeated_is_not_known() -> None:
    assert variance_split([[[1.0], [2.0]], [[3.0], [1.0]]]) == (None, None)
    judged_twice = variance_split([[[1.0, 2.0]], [[3.0, 5.0]]])
    assert judged_twice.answers is None
    assert judged_twice.judge == pytest.approx(1.25)
    assert variance_split([]) == (None, None)
    assert variance_split([[[], [1.0, 1.0]]]) == (None, 0.0)


def test_noise_of_the_judge_is_not_the_answers() -> None:
    assert variance_split([[[0, 1, 2], [0, 1, 2]]]) == (0.0, 1.0)
