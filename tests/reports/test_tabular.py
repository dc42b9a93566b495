"""Evidently's file of the bundle: one real page, and pages that say why there is none."""

import subprocess
import sys
from dataclasses import replace

import pytest

from aftertune.store import Store
from reports.evidence import Evidence
from reports.tabular import FINISHES, _halves, _table, tabular_drift

PAGE = """
import sys, warnings
from pathlib import Path
from aftertune.store import Store
from reports.evidence import gather
from reports.tabular import tabular_drift
from tests.reports import world
store = Store(sys.argv[1])
sys.stdout.buffer.write(tabular_drift(gather(store, world.week(), None, world.SUNDAY)))
store.close()
"""


def test_the_page_is_real_and_fetches_nothing(week_store: Store) -> None:
    """In a process of its own, as in the build."""
    done = subprocess.run(
        [sys.executable, "-c", PAGE, week_store.engine.url.render_as_string()],
        capture_output=True,
        check=False,
    )
    page = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()
    assert "second half of this week" in page[:4000]
    assert page.index("Content-Security-Policy") < page.index("<style")
    assert "default-src 'none'" in page
    assert "latency_s" in page
    assert "alert(1)" not in page


def test_the_week_before_is_preferred(evidence: Evidence) -> None:
    halves = _halves(replace(evidence, lines_before=evidence.lines))
    assert halves.said == "this week with the week before"
    assert len(halves.reference) == len(halves.current) == len(evidence.lines)


def test_halves_are_of_answers(evidence: Evidence) -> None:
    halves = _halves(evidence)
    assert abs(len(halves.reference) - len(halves.current)) <= 1


@pytest.mark.parametrize("lines", [0, 20])
def test_too_little_is_said(lines: int, evidence: Evidence) -> None:
    page = tabular_drift(replace(evidence, lines=evidence.lines[:lines])).decode()
    assert "NOT AVAILABLE" in page
    assert f"the smaller side has {lines // 2}" in page


def test_engines_words_stay_out(evidence: Evidence) -> None:
    assert set(_table(evidence.lines)["finish"]) <= FINISHES | {"other"}
