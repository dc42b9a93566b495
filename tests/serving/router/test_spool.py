"""Records are whole, owner-only, and never cost traffic."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aftertune.errors import BadInput
from aftertune.settings import SpoolSettings
from aftertune.spool import scan, segments
from aftertune.values.exchange import CapturePolicy, ExchangeHeader, ExchangeRole, Source
from serving.router.metrics import Metrics
from serving.router.spool import SpoolWriter


def header(number: int) -> ExchangeHeader:
    return ExchangeHeader(
        exchange_id=f"e{number}",
        request_id=f"r{number}",
        pair_id=None,
        deployment="tasks",
        release="v1",
        generation=1,
        role=ExchangeRole.STABLE,
        conversation="c",
        conversation_source=Source.FALLBACK,
        end_user="u",
        end_user_source=Source.FALLBACK,
        tenant="default",
        tenant_source=Source.FALLBACK,
        key="app-1",
        router="router-1",
        arrival=datetime(2026, 1, 5, tzinfo=UTC),
        first_byte=None,
        last_byte=None,
        ended=datetime(2026, 1, 5, tzinfo=UTC),
        stream=False,
        status=200,
        error=None,
        capture=CapturePolicy.FULL,
    )


def stored(folder: Path) -> list[str]:
    return [
        ExchangeHeader.model_validate_json(record.header).exchange_id
        for segment in segments(folder)
        for record in scan(segment)
    ]


def test_segments_are_named_by_their_first_record_and_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    writer = SpoolWriter(folder, SpoolSettings(segment_bytes=1500), Metrics())
    for number in range(5):
        writer.append(header(number), b"request", b"answer")
    writer.close()
    assert stored(folder) == ["e0", "e1", "e2", "e3", "e4"]
    names = [int(segment.stem) for segment in segments(folder)]
    assert len(names) > 1
    first = [ExchangeHeader.model_validate_json(next(scan(s)).header).exchange_id for s in segments(folder)]
    assert first == [f"e{number}" for number in names]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {segment.stat().st_mode & 0o777 for segment in segments(folder)} == {0o600}


@pytest.mark.parametrize("tail", [b"", b"\x07", b"\xff" * 40])
def test_a_restart_begins_a_new_segment_after_whatever_is_there(tmp_path: Path, tail: bytes) -> None:
    for number in range(3):
        writer = SpoolWriter(tmp_path, SpoolSettings(), Metrics())
        writer.append(header(number), b"", b"")
        writer.close()
        with segments(tmp_path)[-1].open("ab") as torn:
            torn.write(tail)
    assert stored(tmp_path) == ["e0", "e1", "e2"]
    assert [int(segment.stem) for segment in segments(tmp_path)] == [0, 1, 2]


def test_two_routers_cannot_share_a_folder(tmp_path: Path) -> None:
    first = SpoolWriter(tmp_path, SpoolSettings(), Metrics())
    with pytest.raises(BadInput, match="Another router writes"):
        SpoolWriter(tmp_path, SpoolSettings(), Metrics())
    first.close()
    SpoolWriter(tmp_path, SpoolSettings(), Metrics()).close()


def test_a_full_disk_loses_the_record_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics()
    writer = SpoolWriter(tmp_path, SpoolSettings(), metrics)
    writer.append(header(0), b"request", b"answer")
    real = os.write

    def half(descriptor: int, content: bytes) -> int:
        return real(descriptor, content[: len(content) // 2])

    def full(descriptor: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    for number, broken in ((1, half), (2, full)):
        monkeypatch.setattr(os, "write", broken)
        writer.append(header(number), b"request", b"answer")
    monkeypatch.setattr(os, "write", real)
    writer.append(header(3), b"request", b"answer")
    writer.close()
    assert stored(tmp_path) == ["e0", "e3"]
    shown = metrics.render().decode()
    assert "aftertune_spool_errors_total 2.0" in shown
    assert "aftertune_spool_records_total 2.0" in shown


def test_fsync_is_asked_for_each_record_when_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    writer = SpoolWriter(tmp_path, SpoolSettings(fsync_s=0.05), Metrics())
    for number in range(3):
        writer.append(header(number), b"", b"")
    assert len(synced) == 3
    writer.close()
