"""Fixtures that every room's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aftertune.clock import ManualClock
from aftertune.migrations import upgrade
from aftertune.store import Store


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
