"""Fixtures that every room's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from aftertune.clock import ManualClock
from aftertune.migrations import upgrade
from aftertune.store import Store

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("aftertune", deadline=None)
settings.load_profile("aftertune")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A migrated SQLite database in a file of its own."""
    opened = Store(f"sqlite:///{tmp_path / 'aftertune.db'}")
    upgrade(opened.engine)
    yield opened
    opened.close()
