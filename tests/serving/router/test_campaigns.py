"""The campaigns of `benchmarks`, at reduced size: malformed requests, and steady traffic."""

from collections import Counter
from random import Random

from benchmarks import fuzz, soak
from benchmarks.malformed import malformed

CASES = 400
SEED = 7
SOAK_S = 8.0
RATE = 40.0


def test_malformed_requests_break_nothing() -> None:
    findings = fuzz.run(range(CASES), SEED)
    assert findings.violations == {}, "python -m benchmarks.fuzz --seed 7 --only NUMBER sends one again"
    assert findings.cases == CASES
    assert {200, 400} < set(findings.replies)


def test_a_campaign_is_the_same_again() -> None:
    first, second = ([malformed(Random(f"{SEED}-{number}")) for number in range(50)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 40


def test_steady_traffic_leaves_nothing_behind() -> None:
    """Too short to judge memory by a share: the full run does."""
    seen = soak.run(SOAK_S, RATE)
    assert seen.outcomes == Counter({"200": round(SOAK_S * RATE)})
    assert seen.series <= soak.MAX_SERIES
    assert seen.sockets_after <= seen.sockets_before + soak.POOLED
    assert seen.warm[-1].rss_bytes - seen.warm[0].rss_bytes < 30_000_000
