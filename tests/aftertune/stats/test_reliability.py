"""pass^k against a count of all choices."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.stats.reliability import pass_hat_k


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.data())
def test_is_the_share_of_choices_of_k_trials_that_all_succeed(
    trials: list[bool], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(trials)))
    choices = list(combinations(trials, k))
    expected = sum(all(choice) for choice in choices) / len(choices)
    assert pass_hat_k(sum(trials), len(trials), k) == pytest.approx(expected)


@given(st.integers(1, 200), st.data())
def test_falls_with_k_from_the_plain_share(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    values = [pass_hat_k(successes, trials, k) for k in range(1, min(trials, 8) + 1)]
    assert values[0] == successes / trials
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("successes", "trials", "k"), [(5, 4, 1), (-1, 4, 1), (2, 4, 0), (2, 4, 5), (0, 0, 1)]
)
def test_impossible_counts_are_refused(successes: int, trials: int, k: int) -> None:
    with pytest.raises(ValueError, match="must lie"):
        pass_hat_k(successes, trials, k)
