"""Ingest ends at any point and starts again: the store and the folder are as if nothing had happened."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aftertune.clock import ManualClock
from aftertune.spool import encode, sealed_name
from aftertune.store import Store, Transaction
from aftertune.values.gap import Gap, GapReason
from monitor import aside
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from tests.aftertune.samples import AT
from tests.monitor.spooling import HEADER, SALT, Masking, gap_record, legs, many

GAP = Gap(
    id="g1", router="router-1", reason=GapReason.DISK, records=3, since=AT, until=AT + timedelta(seconds=1)
)


class Crash(BaseException):
    """Stands for the process's end."""


class Found(NamedTuple):
    exchanges: dict[Any, int]
    pairs: int
    gaps: list[Gap]
    audited: list[str]
    files: dict[str, bytes]


def fill(folder: Path) -> None:
    """Everything that can happen to a segment, in two of them: a refusal, a gap, damage, an unfinished end."""
    folder.mkdir(parents=True)
    refused = encode(SALT, b"{}", b"asked", b"answered")
    records = [leg.record() for leg in many(4)]
    first = bytearray(HEADER + records[0] + refused + b"".join(records[1:5]) + gap_record(GAP))
    first[len(HEADER + records[0] + refused) + 60] ^= 1
    (folder / sealed_name(1)).write_bytes(first)
    (folder / sealed_name(2)).write_bytes(HEADER + b"".join(records[5:]) + legs(9)[0].record()[:-5])


def found(store: Store, folder: Path) -> Found:
    with store.read() as tx:
        return Found(
            dict(tx.exchanges.count()),
            tx.pairs.count("tasks"),
            tx.gaps.between(AT - timedelta(days=1), AT + timedelta(days=1)),
            [entry.action for entry in tx.audit.entries()],
            {file.name: file.read_bytes() for file in folder.iterdir()},
        )


class Steps:
    """Counts what changes the store or the folder, and crashes before or after one of them."""

    def __init__(self, crash_at: int) -> None:
        self.taken = 0
        self._crash_at = crash_at

    def take(self) -> None:
        self.taken += 1
        if self.taken == self._crash_at:
            raise Crash

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        write, unlink, keep = Store.write, Path.unlink, aside.keep

        @contextmanager
        def counted_write(store: Store) -> Iterator[Transaction]:
            with write(store) as tx:
                yield tx
                self.take()
            self.take()

        def counted_unlink(path: Path, missing_ok: bool = False) -> None:
            self.take()
            unlink(path, missing_ok)
            self.take()

        def counted_keep(*given: Any) -> Path:
            self.take()
            kept = keep(*given)
            self.take()
            return kept

        patch.setattr(Store, "write", counted_write)
        patch.setattr(Path, "unlink", counted_unlink)
        patch.setattr("monitor.ingest.keep", counted_keep)
        patch.setattr("monitor.ingest.BATCH", 3)


def test_a_crash_at_any_step_changes_nothing_in_the_end(
    migrated_file: Path, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(crash_at: int) -> tuple[Found, bool]:
        home = tmp_path / str(crash_at)
        fill(home / "spool" / "router-1")
        store = Store(f"sqlite:///{shutil.copy(migrated_file, home / 'a.db')}")
        steps = Steps(crash_at)
        with monkeypatch.context() as patch:
            steps.watch(patch)
            try:
                Ingest(store, home / "spool", clock, Metrics(), Masking()).run()
                crashed = False
            except Crash:
                crashed = True
        Ingest(store, home / "spool", clock, Metrics(), Masking()).run()
        result = found(store, home / "spool" / "router-1")
        store.close()
        return result, crashed

    whole, _ = run(0)
    assert sum(whole.exchanges.values()) == 7
    assert whole.audited == ["record_refused", "segment_damaged"]
    assert sorted(Path(name).suffix for name in whole.files) == [".damaged", ".refused", ".torn"]
    points = 0
    crashed = True
    while crashed:
        points += 1
        again, crashed = run(points)
        assert again == whole, f"a crash at step {points}"
    assert points > 15
