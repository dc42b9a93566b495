"""Records left in the spool by those who are no router."""

import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aftertune.deposit import deposit
from aftertune.errors import Unavailable
from aftertune.outside import Record
from aftertune.spool import scan, segments, take
from tests.aftertune.samples import AT, header


def records(*names: str) -> list[Record]:
    return [Record(header(name), f"asked {name}".encode(), b"answered") for name in names]


def test_a_deposit_is_a_sealed_segment_that_its_owner_alone_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "outside"
    deposit(folder, records("e1", "e2"), AT)

    (segment,) = segments(folder)
    assert segment.suffix == ".seg"
    assert [each.request for each in scan(segment)] == [b"asked e1", b"asked e2"]
    assert stat.S_IMODE(segment.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_deposits_follow_one_another(tmp_path: Path) -> None:
    for name in ("e1", "e2", "e3"):
        deposit(tmp_path, records(name), AT)
    deposit(tmp_path, records("e4"), AT - timedelta(days=1))

    found = [record.request for segment in segments(tmp_path) for record in scan(segment)]
    assert found == [b"asked e1", b"asked e2", b"asked e3", b"asked e4"]


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Record]:
        yield from records("e1")
        raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="No space left"):
        deposit(tmp_path, broken(), AT)
    assert segments(tmp_path) == []
    deposit(tmp_path, records("e2"), AT)
    assert len(segments(tmp_path)) == 1


def test_a_folder_in_use_is_tried_again_later(tmp_path: Path) -> None:
    held = take(tmp_path)
    with pytest.raises(Unavailable, match="in use"):
        deposit(tmp_path, records("e1"), AT)
    os.close(held)
    deposit(tmp_path, records("e1"), AT)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        deposit(tmp_path / "file" / "outside", records("e1"), AT)
