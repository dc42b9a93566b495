"""A room on small suites."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aftertune.clock import ManualClock
from aftertune.store import Store
from tests.evals.world import World, served, small_suites
from tests.fakes.engine import FakeEngine


@pytest.fixture
def world(store: Store, clock: ManualClock, tmp_path: Path) -> World:
    return World(store, clock, small_suites(tmp_path / "suites"))


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    """Of release v1."""
    with served("v1") as running:
        yield running
