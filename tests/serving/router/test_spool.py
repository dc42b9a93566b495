"""Records are whole, owner-only, and there when `append` returns; segments are sealed in time."""

import os
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from aftertune.clock import ManualClock
from aftertune.errors import BadInput
from aftertune.settings.sections import SpoolSettings
from aftertune.spool import folder as folder_module
from aftertune.spool import is_sealed, scan, segments
from serving.router.spool import LATER_BYTES, LATER_RECORDS, SpoolWriter
from serving.router.spool_metrics import SpoolCollector
from tests.flows.waiting import wait_for
from tests.serving.router.spooled import RECORD, OpenWriter, put, stored


def test_a_record_is_there_when_append_returns(tmp_path: Path, open_writer: OpenWriter) -> None:
    writer = open_writer()
    for number in range(3):
        put(writer, number)
        (segment,) = segments(tmp_path)
        found = list(scan(segment))
        assert (found[-1].header, found[-1].request, found[-1].answer) == (
            f"e{number}".encode(),
            b"request",
            b"answer",
        )
    assert not is_sealed(segment)
    assert segment.stat().st_mode & 0o777 == 0o600
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert (writer.counts.records, writer.counts.bytes) == (3, 3 * RECORD)


def test_segments_are_sealed_at_their_size_and_numbers_rise(tmp_path: Path, open_writer: OpenWriter) -> None:
    writer = open_writer(segment_bytes=100)
    put(writer, *range(5))
    found = segments(tmp_path)
    assert [is_sealed(segment) for segment in found] == [True, True, False]
    assert stored(tmp_path) == [f"e{number}" for number in range(5)]
    for segment in found[:2]:
        segment.unlink()
    put(writer, 5, 6)
    assert segments(tmp_path)[-1].name > found[-1].name


def test_a_small_segment_is_sealed_when_its_time_has_come(
    tmp_path: Path, open_writer: OpenWriter, clock: ManualClock
) -> None:
    writer = open_writer(seal_s=600)
    put(writer, 1)
    clock.advance(599)
    writer.flush()
    assert [is_sealed(segment) for segment in segments(tmp_path)] == [False]
    clock.advance(1)
    writer.flush()
    assert [is_sealed(segment) for segment in segments(tmp_path)] == [True]
    clock.advance(5000)
    put(writer, 2)
    writer.flush()
    assert [is_sealed(segment) for segment in segments(tmp_path)] == [True, False], "aged by its first record"


def test_close_seals_and_a_restart_uses_no_number_again(tmp_path: Path, open_writer: OpenWriter) -> None:
    numbers = []
    for number in range(3):
        writer = open_writer()
        put(writer, number)
        numbers.append(segments(tmp_path)[-1].stem)
        writer.close()
        assert all(is_sealed(segment) for segment in segments(tmp_path))
        if number:
            segments(tmp_path)[0].unlink()
        assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("tail", [b"", b"\x07", b"\xff" * 40])
def test_what_a_killed_router_left_is_sealed_at_the_next_start(
    tmp_path: Path, open_writer: OpenWriter, tail: bytes
) -> None:
    left = tmp_path / "0000000000000007.open"
    left.write_bytes(tail)
    put(open_writer(), 1)
    assert segments(tmp_path)[0].name == "0000000000000007.seg"
    assert len(segments(tmp_path)) == 2


def test_two_routers_cannot_share_a_folder(
    tmp_path: Path, open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "_PATIENCE_S", 0.1)
    open_writer()
    with pytest.raises(BadInput, match="Another router writes"):
        SpoolWriter(tmp_path, SpoolSettings(), "router-1")


def test_shadow_legs_go_with_the_next_live_one_or_at_a_flush(tmp_path: Path, open_writer: OpenWriter) -> None:
    writer = open_writer()
    writer.append_later(b"s1", b"q", (b"a",))
    assert stored(tmp_path) == []
    put(writer, 1)
    assert stored(tmp_path) == ["s1", "e1"]
    writer.append_later(b"s2", b"q", (b"a",))
    writer.flush()
    writer.append_later(b"s3", b"q", (b"a",))
    writer.close()
    assert stored(tmp_path) == ["s1", "e1", "s2", "s3"]


def test_a_flush_is_asked_for_when_a_record_begins_to_wait(tmp_path: Path) -> None:
    asked: list[int] = []
    writer = SpoolWriter(
        tmp_path, SpoolSettings(), "router-1", ManualClock(), flush_soon=lambda: asked.append(1)
    )
    for number in range(3):
        writer.append_later(f"s{number}".encode(), b"q", (b"a",))
    assert len(asked) == 1
    put(writer, 1)
    writer.append_later(b"s3", b"q", (b"a",))
    assert len(asked) == 1, "the flush that was asked for is still to come"
    writer.flush()
    writer.append_later(b"s4", b"q", (b"a",))
    assert len(asked) == 2
    writer.close()


@pytest.mark.parametrize("large", [True, False])
def test_what_waits_is_bounded_in_bytes_and_in_number(
    tmp_path: Path, open_writer: OpenWriter, large: bool
) -> None:
    writer = open_writer()
    count = 2 if large else LATER_RECORDS
    for number in range(count):
        writer.append_later(f"s{number}".encode(), b"", (b"x" * (LATER_BYTES // 2 + 1 if large else 1),))
    assert len(stored(tmp_path)) == count


@pytest.mark.parametrize("pieces", [1, 900, 5000])
def test_an_answer_in_many_pieces_is_written_whole(
    tmp_path: Path, open_writer: OpenWriter, pieces: int
) -> None:
    writer = open_writer()
    writer.append_later(b"s", b"", [b"yz"] * pieces)
    writer.append(b"e", b"q", [b"x"] * pieces)
    (segment,) = segments(tmp_path)
    assert [record.answer for record in scan(segment)] == [b"yz" * pieces, b"x" * pieces]


def test_the_oldest_record_ages_until_ingest_deletes_it(
    tmp_path: Path, open_writer: OpenWriter, clock: ManualClock
) -> None:
    writer = open_writer(segment_bytes=RECORD)
    put(writer, 1)
    clock.advance(30)
    put(writer, 2)
    writer.measure()
    assert writer.counts.oldest_s == 30
    segments(tmp_path)[0].unlink()
    writer.measure()
    assert writer.counts.oldest_s == 0


def test_what_was_written_reaches_the_disk_in_groups(
    tmp_path: Path, open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = threading.Event()
    calls: list[int] = []

    def fdatasync(descriptor: int) -> None:
        calls.append(descriptor)
        synced.set()

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    writer = open_writer(fsync_s=0.05)
    put(writer, *range(100))
    assert synced.wait(30)
    assert len(calls) < 50
    # The folder's own sync is counted too: the segment's name must outlive a power cut.
    wait_for(lambda: writer.syncs.calls >= len(calls) + 1, "the counts")


def test_without_group_fsync_only_close_syncs(
    tmp_path: Path, open_writer: OpenWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(os, "fdatasync", calls.append)
    writer = open_writer(fsync_s=0)
    put(writer, 1)
    assert calls == []
    writer.close()
    assert len(calls) == 1


def test_a_scrape_shows_the_counts(open_writer: OpenWriter) -> None:
    registry, writer = CollectorRegistry(), open_writer(disk_budget_bytes=5 * RECORD)
    SpoolCollector(writer, registry)
    put(writer, *range(9))

    def shown(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"aftertune_spool_{name}", labels)

    assert shown("records_total") == 6
    assert shown("bytes_total") == 6 * RECORD
    assert shown("lost_records_total", reason="disk_budget") == 3
    assert shown("lost_records_total", reason="disk") == 0
    assert shown("disk_budget_bytes") == 5 * RECORD
    assert shown("oldest_record_seconds") == 0
