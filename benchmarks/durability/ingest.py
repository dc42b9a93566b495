"""Ingest as a process of its own: `python -m benchmarks.durability.ingest SPOOL`, the database's URL in the environment."""

import os
import sys
import threading
from pathlib import Path

from aftertune.clock import SystemClock
from aftertune.loop import repeat
from aftertune.redaction import redactor
from aftertune.settings import Settings
from aftertune.store import Store
from monitor.ingest import Ingest
from monitor.metrics import Metrics

URL = "DURABILITY_DATABASE"
TICK_S = 0.1


def main() -> None:
    """Until killed."""
    reader = Ingest(Store(os.environ[URL]), Path(sys.argv[1]), SystemClock(), Metrics(), redactor(Settings()))

    def step() -> None:
        reader.run()

    repeat("ingest", step, TICK_S, threading.Event())


if __name__ == "__main__":
    main()
