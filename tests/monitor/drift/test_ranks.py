"""Ranks against the plain definition, and their promise: p-values are uniform, however few scores came before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from monitor.drift.ranks import LEAST_P, STEP, Ranks

scores = st.integers(-1000, 1000).map(lambda steps: steps * STEP)


@given(st.lists(scores, max_size=60), scores, st.floats(0, 1, exclude_max=True))
def test_a_p_value_is_the_share_of_scores_at_least_as_large(
    before: list[float], score: float, luck: float
) -> None:
    ranks = Ranks()
    for each in before:
        ranks.add(each)

    larger = sum(each > score + STEP / 2 for each in before)
    same = sum(abs(each - score) < STEP / 2 for each in before)
    wanted = (larger + luck * (same + 1)) / (len(before) + 1)
    assert ranks.p_value(score, luck) == pytest.approx(max(LEAST_P, wanted))


def test_p_values_are_uniform_from_the_first_on() -> None:
    rng = np.random.default_rng(3)
    at: dict[int, list[float]] = {1: [], 2: [], 20: []}
    for _ in range(2000):
        ranks = Ranks()
        for n in range(1, 21):
            score = round(rng.normal(), 1)  # many ties
            if n in at:
                at[n].append(ranks.p_value(score, rng.random()))
            ranks.add(score)
    for n, found in at.items():
        assert kstest(found, "uniform").pvalue > 0.01, n


def test_scores_outside_the_grid_count_at_its_edge() -> None:
    ranks = Ranks()
    ranks.add(2.0)
    assert ranks.p_value(5.0, 0.5) == 0.5
