"""The page on statistics states what the functions give."""

from math import sqrt
from pathlib import Path

import pytest

from aftertune.stats.interval import wilson
from aftertune.stats.mcnemar import mcnemar_exact
from aftertune.stats.power import items_to_prove, paired_items, smallest_detectable

PAGE = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text(encoding="utf-8")
SD = 0.3


@pytest.mark.parametrize(
    ("claim", "limit", "share"),
    [
        ("valid JSON", 0.99, 1.0),
        ("valid JSON", 0.99, 0.995),
        ("tool accuracy", 0.95, 0.97),
        ("persona", 0.9, 0.95),
    ],
)
def test_samples_that_prove_a_limit(claim: str, limit: float, share: float) -> None:
    observed, true = items_to_prove(limit, share), items_to_prove(limit, share, power=0.8)
    row = f"| {claim} ≥ {100 * limit:g} % | {100 * share:g} % | {observed:,} | {true:,} |"
    assert row in PAGE.splitlines()


@pytest.mark.parametrize("pairs", [100, 200, 400, 1000, paired_items(0.02, SD)])
def test_changes_that_pairs_detect(pairs: int) -> None:
    change = 100 * smallest_detectable(SD / sqrt(pairs))
    assert f"| {pairs:,} | {change:.1f} points |" in PAGE.splitlines()


def test_figures_in_the_text() -> None:
    assert f"188 of 200 are 94 %, and prove {100 * wilson(188, 200).low:.1f} %." in PAGE
    assert f"a lower one of {100 * wilson(200, 200).low:.1f} %" in PAGE
    assert f"z(0.975) + z(0.8) = {smallest_detectable(1.0):.2f}" in PAGE
    assert mcnemar_exact(6, 0) < 0.05 < mcnemar_exact(5, 0)
    assert f"Thirty looks at 5 % alarm in {100 * (1 - 0.95**30):.0f} % of cases" in PAGE
