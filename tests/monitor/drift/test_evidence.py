"""The promise that everything rests on: the expected time to a false alarm is at least the threshold."""

import numpy as np
import pytest

from monitor.drift.evidence import Evidence


def test_each_bet_is_fair() -> None:
    grid = (np.arange(100_000) + 0.5) / 100_000
    total = np.zeros_like(Evidence().capital)
    for low, high in ((0.0, 0.02), (0.02, 0.05), (0.05, 0.2), (0.2, 1.0)):
        evidence = Evidence()
        evidence.observe(float(grid[(grid > low) & (grid < high)].mean()))
        total += evidence.capital * (high - low)
    assert total == pytest.approx(1.0)


def test_the_time_to_a_false_alarm_is_at_least_the_threshold() -> None:
    limit, horizon, alarms, observed = 200.0, 2_000, 0, 0
    for seed in range(60):
        evidence = Evidence()
        for p in np.random.default_rng(seed).random(horizon):
            evidence.observe(float(p))
            observed += 1
            if evidence.statistic >= limit:
                alarms += 1
                break
    assert alarms >= 10  # the horizon is long enough to tell
    assert observed / alarms >= limit


def test_small_p_values_are_evidence() -> None:
    evidence = Evidence()
    for _ in range(5):
        evidence.observe(0.01)
    assert evidence.statistic > 10_000


def test_large_p_values_are_not() -> None:
    evidence = Evidence()
    for _ in range(1000):
        evidence.observe(0.9)
    assert evidence.statistic < 10
