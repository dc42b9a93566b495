"""The nightly benchmark at reduced size: the same simulations, bounds wide enough for few of them."""

import pytest
from scipy.stats import binom

from benchmarks.nightly import DROPPED, UNCHANGED, Dropped, Unchanged, false_alarms, found, report

YEARS = 8
RUNS = 40


@pytest.mark.parametrize("suite", UNCHANGED, ids=lambda suite: suite.name)
def test_unchanged_suites_stay_quiet_for_a_year(suite: Unchanged) -> None:
    """With one suite in twenty alarming, as many as this or more would come less than once in a hundred times."""
    assert binom.sf(false_alarms(suite, YEARS) - 1, YEARS, 0.05) > 0.01


@pytest.mark.parametrize("drop", DROPPED, ids=lambda drop: drop.name)
@pytest.mark.parametrize("first_night", [1, 12])
def test_a_drop_of_six_points_is_found_within_three_nights(drop: Dropped, first_night: int) -> None:
    """With nine of ten found, as few as this would come less than once in a hundred times."""
    at_once, in_three = found(drop, first_night, RUNS)
    assert at_once <= in_three <= RUNS
    assert binom.cdf(in_three, RUNS, 0.9) > 0.01


def test_the_page_has_every_suite_and_every_drop() -> None:
    page = "\n".join(report(years=1, runs=1))
    for each in (*UNCHANGED, *DROPPED):
        assert f"| {each.name} |" in page
