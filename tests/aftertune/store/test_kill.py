"""kill -9 in the middle of writing: what was acknowledged is there afterwards and the chain verifies."""

import subprocess
import sys
from pathlib import Path

from aftertune.audit import verify
from aftertune.store import Store
from tests.aftertune.samples import AT

WRITER = """
import sys
from datetime import UTC, datetime
from aftertune.store import Store

store = Store(sys.argv[1])
number = 0
while True:
    with store.write() as tx:
        entry = tx.audit.append(datetime(2026, 1, 5, tzinfo=UTC), "writer", "note", "x", {"pad": "x" * 2000})
    print(entry.hash, flush=True)
"""
ROOT = Path(__file__).parents[3]


def test_acknowledged_entries_survive_kills(store: Store) -> None:
    acknowledged: list[str] = []
    for lines in (1, 7, 20):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, store.engine.url.render_as_string(hide_password=False)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as writer:
            assert writer.stdout is not None
            acknowledged += [writer.stdout.readline().strip() for _ in range(lines)]
            writer.kill()
            acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
        with store.read() as tx:
            entries = list(tx.audit.entries())
        assert verify(entries).ok
        assert [entry.hash for entry in entries[: len(acknowledged)]] == acknowledged
        # At most the one act whose acknowledgement was on its way is there besides.
        assert len(entries) <= len(acknowledged) + 1
        acknowledged = [entry.hash for entry in entries]
    with store.write() as tx:
        tx.audit.append(AT, "olga", "note", "tasks")
    with store.read() as tx:
        assert verify(tx.audit.entries()).ok
