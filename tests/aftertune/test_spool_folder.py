"""A spool folder: names that rise, one writer, its size."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.errors import BadInput
from aftertune.spool import folder as folder_module
from aftertune.spool import (
    is_sealed,
    measure,
    next_number,
    open_name,
    seal,
    seal_abandoned,
    sealed_name,
    segment_header,
    segments,
    take,
)

SALT = b"12345678"


def test_segments_are_listed_oldest_first(tmp_path: Path) -> None:
    names = [sealed_name(2), open_name(10), sealed_name(10**15)]
    for name in (*reversed(names), "notes.txt", "0000000000000003.torn"):
        (tmp_path / name).touch()
    assert [file.name for file in segments(tmp_path)] == names
    assert [is_sealed(file) for file in segments(tmp_path)] == [True, False, True]
    assert segments(tmp_path / "missing") == []


@given(st.sets(st.integers(0, 10**12), max_size=5), st.integers(0, 10**12))
def test_a_number_is_above_every_other_and_no_less_than_the_time(known: set[int], now: int) -> None:
    class Listed:
        def iterdir(self) -> list[Path]:
            files = [Path(sealed_name(number)) for number in known]
            return [*files, Path("0000000000000000-32.torn"), Path("readme"), Path("x" * 16 + ".seg")]

    number = next_number(Listed(), now)  # type: ignore[arg-type]
    assert number >= now
    assert all(number > other for other in known)


def test_what_was_set_aside_keeps_its_number(tmp_path: Path) -> None:
    (tmp_path / "0000000000000041-32.refused").touch()
    assert next_number(tmp_path, 7) == 42


def test_one_writer_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "_PATIENCE_S", 0.1)
    folder = tmp_path / "spool"
    first = take(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    with pytest.raises(BadInput, match="Another router writes"):
        take(folder)
    os.close(first)
    os.close(take(folder))


def test_what_a_dead_router_left_open_is_sealed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    held = take(tmp_path)
    (tmp_path / open_name(3)).touch()
    seal_abandoned(tmp_path)
    assert [file.name for file in segments(tmp_path)] == [open_name(3)]
    os.close(held)
    seal_abandoned(tmp_path)
    assert [file.name for file in segments(tmp_path)] == [sealed_name(3)]
    os.close(take(tmp_path))


def test_size_and_age_are_those_of_the_segments(tmp_path: Path) -> None:
    assert measure(tmp_path) == (0, None)
    (tmp_path / open_name(5)).write_bytes(segment_header(SALT, 50.0))
    (tmp_path / sealed_name(4)).write_bytes(segment_header(SALT, 40.0) + b"rest")
    (tmp_path / sealed_name(1)).write_bytes(b"no segment")
    (tmp_path / "0000000000000004-32.torn").write_bytes(b"not counted")
    assert measure(tmp_path) == (32 + 36 + 10, 40.0)
    assert seal(tmp_path / open_name(5)).name == sealed_name(5)
