"""A broken disk, or one that is full, costs records and never traffic; what is lost is counted for ingest to find."""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from aftertune.clock import ManualClock
from aftertune.settings.sections import SpoolSettings
from aftertune.spool import is_sealed, segments
from aftertune.values.gap import GapReason
from serving.router import spool as spool_module
from serving.router.spool import GAPS_EVERY_S, SpoolWriter
from tests.flows.waiting import wait_for
from tests.serving.router.spooled import RECORD, OpenWriter, gaps, put, stored

_writev, _open, _ftruncate = os.writev, os.open, os.ftruncate


def full(descriptor: int, buffers: Sequence[bytes]) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def half(descriptor: int, buffers: Sequence[bytes]) -> int:
    whole = b"".join(buffers)
    return _writev(descriptor, [whole[: len(whole) // 2]])


def stuck(descriptor: int, length: int) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_a_full_disk_loses_records_and_says_how_many(
    tmp_path: Path,
    open_writer: OpenWriter,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = open_writer()
    put(writer, 0)
    began = clock.now()
    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full)
        put(writer, 1)
        clock.advance(5)
        put(writer, 2)
        ended = clock.now()
        assert writer.counts.lost[GapReason.DISK] == 2
    clock.advance(1)
    put(writer, 3)
    assert stored(tmp_path) == ["e0", "e3"]
    (gap,) = gaps(tmp_path)
    assert (gap.router, gap.reason, gap.records) == ("router-1", GapReason.DISK, 2)
    assert (gap.since, gap.until) == (began, ended)
    put(writer, 4)
    assert len(gaps(tmp_path)) == 1


def test_a_gap_is_written_without_traffic_when_writing_works_again(
    tmp_path: Path,
    open_writer: OpenWriter,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = open_writer()
    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full)
        put(writer, 1)
        clock.advance(GAPS_EVERY_S)
        writer.flush()
    clock.advance(GAPS_EVERY_S)
    writer.flush()
    assert [gap.records for gap in gaps(tmp_path)] == [1]


def test_what_close_cannot_write_is_counted_if_the_disk_takes_that(
    tmp_path: Path, open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = open_writer()
    real = os.writev

    def little(descriptor: int, buffers: Sequence[bytes]) -> int:
        if sum(map(len, buffers)) > 1000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, buffers)

    writer.append_later(b"s1", b"x" * 2000, ())
    monkeypatch.setattr(os, "writev", little)
    writer.close()
    assert stored(tmp_path) == []
    assert [gap.records for gap in gaps(tmp_path)] == [1]


def test_a_flush_that_comes_after_the_end_writes_nothing(
    tmp_path: Path, open_writer: OpenWriter, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = open_writer()
    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full)
        put(writer, 1)
        writer.close()
    clock.advance(GAPS_EVERY_S)
    writer.flush()
    assert not segments(tmp_path), "the folder may be another router's"


def test_where_a_record_cannot_be_taken_back_a_new_segment_begins(
    tmp_path: Path, open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = open_writer()
    put(writer, 0)
    real = os.writev

    def half(descriptor: int, buffers: Sequence[bytes]) -> int:
        whole = b"".join(buffers)
        return real(descriptor, [whole[: len(whole) // 2]])

    def stuck(descriptor: int, length: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", half)
        patch.setattr(os, "ftruncate", stuck)
        put(writer, 1)
    put(writer, 2)
    assert stored(tmp_path) == ["e0", "e2"]
    assert [gap.records for gap in gaps(tmp_path)] == [1]
    assert [is_sealed(segment) for segment in segments(tmp_path)] == [True, False]


def test_a_record_too_large_to_keep_is_a_gap(
    tmp_path: Path, open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "LARGEST", 1000)
    writer = open_writer()
    writer.append_later(b"s1", b"", (b"x" * 500,))
    writer.append(b"e1", b"", (b"x" * 1001,))
    put(writer, 2)
    assert stored(tmp_path) == ["s1", "e2"]
    assert [(gap.reason, gap.records) for gap in gaps(tmp_path)] == [(GapReason.MEMORY, 1)]


def test_over_the_disk_budget_capture_is_shed_and_comes_back(
    tmp_path: Path, open_writer: OpenWriter, clock: ManualClock
) -> None:
    writer = open_writer(disk_budget_bytes=20 * RECORD, segment_bytes=5 * RECORD)
    put(writer, *range(60))
    kept = stored(tmp_path)
    assert 0 < len(kept) < 60
    shed = 60 - len(kept)
    assert writer.counts.lost[GapReason.DISK_BUDGET] == shed
    assert writer.counts.bytes_on_disk > writer.counts.budget_bytes

    clock.advance(GAPS_EVERY_S)
    writer.flush()
    assert [gap.records for gap in gaps(tmp_path)] == [shed], "not only when it is over"

    for segment in segments(tmp_path):
        if is_sealed(segment):
            segment.unlink()
    writer.measure()
    put(writer, 9)
    assert stored(tmp_path)[-1] == "e9"


def test_a_disk_that_refuses_to_sync_gets_a_new_segment(
    tmp_path: Path, open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fdatasync(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fdatasync)
        writer = open_writer(fsync_s=0.01)
        put(writer, 1)
        wait_for(lambda: writer.syncs.errors > 0, "the error")
        writer.flush()
    put(writer, 2)
    assert stored(tmp_path) == ["e1", "e2"]
    assert [is_sealed(segment) for segment in segments(tmp_path)] == [True, False]


@dataclass
class Disk:
    """Stands in for the system calls of the writer; `fault` names what goes wrong now."""

    fault: str = "fine"

    def writev(self, descriptor: int, buffers: list[bytes]) -> int:
        match self.fault:
            case "full":
                return full(descriptor, buffers)
            case "broken":
                raise MemoryError
            case "half" | "stuck":
                return half(descriptor, buffers)
            case _:
                return _writev(descriptor, buffers)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        if self.fault == "no_open":
            raise OSError(errno.EMFILE, "Too many open files")
        return _open(path, flags, mode)

    def ftruncate(self, descriptor: int, length: int) -> None:
        if self.fault == "stuck":
            stuck(descriptor, length)
        _ftruncate(descriptor, length)

    def replace(self, patch: pytest.MonkeyPatch) -> None:
        for call in (self.writev, self.open, self.ftruncate):
            patch.setattr(os, call.__name__, call)


STEPS = ("fine", "fine", "full", "half", "stuck", "no_open", "later", "flush", "broken")


def act(writer: SpoolWriter, step: str, number: int) -> None:
    if step == "later":
        writer.append_later(f"e{number}".encode(), b"q", (b"a",))
    elif step == "flush":
        writer.flush()
    else:
        put(writer, number)


@hypothesis_settings(max_examples=60)
@example(["fine", "later", "stuck"], 80)
@example(["full", "later", "later", "later", "stuck", "fine"], 80)
@given(st.lists(st.sampled_from(STEPS), max_size=40), st.integers(40, 400))
def test_whatever_the_disk_does_appended_is_readable_plus_counted_in_gaps(
    steps: list[str], segment_bytes: int
) -> None:
    clock, disk = ManualClock(), Disk()
    known = SpoolSettings(fsync_s=0, segment_bytes=segment_bytes)
    with TemporaryDirectory() as name:
        folder = Path(name)
        writer = SpoolWriter(folder, known, "router-1", clock)
        with pytest.MonkeyPatch.context() as patch:
            disk.replace(patch)
            for number, disk.fault in enumerate(steps):
                clock.advance(4)
                act(writer, disk.fault, number)
        clock.advance(GAPS_EVERY_S)
        writer.close()
        kept, lost = stored(folder), sum(gap.records for gap in gaps(folder))
    appended = [f"e{number}" for number, step in enumerate(steps) if step != "flush"]
    assert set(kept) <= set(appended)
    assert len(set(kept)) == len(kept)
    assert len(kept) + lost == len(appended)
    assert lost == sum(writer.counts.lost.values())
    assert len(kept) == writer.counts.records
