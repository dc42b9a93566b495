"""A process that ingests until it is killed: `python -m tests.monitor.ingest_child <database url> <spool folder>`."""

import sys
from pathlib import Path

from aftertune.clock import SystemClock
from aftertune.store import Store
from monitor import ingest
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from tests.monitor.spooling import Masking

if __name__ == "__main__":
    ingest.BATCH = 5
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    Ingest(Store(sys.argv[1]), Path(sys.argv[2]), SystemClock(), Metrics(), Masking()).run()
