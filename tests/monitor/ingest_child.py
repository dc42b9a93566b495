"""A process that ingests and stands still in the middle: killed there, it is killed for certain while it works.

`python -m tests.monitor.ingest_child <database url> <spool folder> <transaction> <before|after its commit>`; says
`here` when it has come so far.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aftertune.clock import SystemClock
from aftertune.store import Store, Transaction
from monitor import ingest
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from tests.monitor.spooling import Masking


class StandingStore(Store):
    """Waits for ever before or after the commit of a write transaction; the first is number 1."""

    def __init__(self, url: str, at: int, moment: str) -> None:
        super().__init__(url)
        self._left, self._moment = at, moment

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        self._left -= 1
        with super().write() as tx:
            yield tx
            self._stand("before")
        self._stand("after")

    def _stand(self, moment: str) -> None:
        if self._left == 0 and self._moment == moment:
            print("here", flush=True)
            signal.pause()


if __name__ == "__main__":
    ingest.BATCH = 5
    url, spool, at, moment = sys.argv[1:]
    Ingest(StandingStore(url, int(at), moment), Path(spool), SystemClock(), Metrics(), Masking()).run()
