"""An ingest on an empty spool."""

from pathlib import Path

import pytest

from aftertune.clock import ManualClock
from aftertune.store import Store
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from tests.monitor.spooling import Masking


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def ingest(store: Store, spool: Path, clock: ManualClock, metrics: Metrics) -> Ingest:
    return Ingest(store, spool, clock, metrics, Masking())
