"""The segment format: what was appended comes back, whatever happens to the tail."""

import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.errors import Corrupt
from aftertune.spool import MAGIC, SpoolRecord, encode, scan, segment_name, segments

Body = tuple[bytes, bytes, bytes]
bodies = st.tuples(*[st.binary(max_size=30)] * 3)
some = st.lists(bodies, min_size=1, max_size=4)
THREE: list[Body] = [(b"h1", b"q1", b"a1"), (b"", b"", b""), (b'{"id":3}', b"\x00" * 9, b"data: [DONE]\n\n")]


def content(records: Sequence[Body]) -> bytes:
    return MAGIC + b"".join(encode(*record) for record in records)


def read(raw: bytes, offset: int = 0) -> list[SpoolRecord]:
    found, error = read_until_corrupt(raw, offset)
    if error is not None:
        raise error
    return found


def read_until_corrupt(raw: bytes, offset: int = 0) -> tuple[list[SpoolRecord], Corrupt | None]:
    """The records before the first that does not verify, and the complaint about that one."""
    found: list[SpoolRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        segment = Path(folder) / segment_name(0)
        segment.write_bytes(raw)
        try:
            found.extend(scan(segment, offset))
        except Corrupt as error:
            return found, error
    return found, None


def bodies_of(records: Sequence[SpoolRecord]) -> list[Body]:
    return [(record.header, record.request, record.answer) for record in records]


@given(st.lists(bodies, max_size=5))
def test_records_come_back_in_order(records: list[Body]) -> None:
    found = read(content(records))
    assert bodies_of(found) == records
    assert [record.next_offset for record in found] == [
        len(content(records[: n + 1])) for n in range(len(records))
    ]


def test_layout_is_as_documented() -> None:
    body = struct.pack("<II", 2, 3) + b"hd" + b"req" + b"answer"
    assert encode(b"hd", b"req", b"answer") == struct.pack("<II", len(body), zlib.crc32(body)) + body
    assert MAGIC == b"ATSPOOL1"


@given(some)
def test_scanning_resumes_at_every_next_offset(records: list[Body]) -> None:
    raw = content(records)
    found = read(raw)
    for number, record in enumerate(found):
        assert read(raw, record.next_offset) == found[number + 1 :]


def test_a_segment_cut_at_any_byte_gives_the_records_before_the_cut() -> None:
    raw = content(THREE)
    ends = [record.next_offset for record in read(raw)]
    for cut in range(len(raw)):
        assert bodies_of(read(raw[:cut])) == THREE[: sum(end <= cut for end in ends)], cut


def test_a_record_that_is_finished_later_is_read_then() -> None:
    raw = content(THREE)
    first = read(raw[:-1])
    assert bodies_of(first + read(raw, first[-1].next_offset)) == THREE


@given(some, st.data())
def test_a_flipped_bit_in_a_complete_record_is_found(records: list[Body], data: st.DataObject) -> None:
    """In its checksum or its body; a flipped length is the next test's."""
    raw = bytearray(content(records))
    starts = [len(content(records[:n])) for n in range(len(records))]
    damaged = data.draw(st.integers(0, len(records) - 1))
    end = len(content(records[: damaged + 1]))
    position = data.draw(st.integers(starts[damaged] + 4, end - 1))
    raw[position] ^= 1 << data.draw(st.integers(0, 7))
    found, error = read_until_corrupt(bytes(raw))
    assert bodies_of(found) == records[:damaged]
    assert f"byte {starts[damaged]} " in str(error)


@given(some, st.data())
def test_a_flipped_bit_in_a_length_never_gives_a_wrong_record(
    records: list[Body], data: st.DataObject
) -> None:
    raw = bytearray(content(records))
    damaged = data.draw(st.integers(0, len(records) - 1))
    start = len(content(records[:damaged]))
    raw[start + data.draw(st.integers(0, 3))] ^= 1 << data.draw(st.integers(0, 7))
    assert bodies_of(read_until_corrupt(bytes(raw))[0]) == records[:damaged]


@pytest.mark.parametrize(("headers", "requests"), [(1_000, 0), (0, 1_000), (2, 4)])
def test_a_record_whose_inner_lengths_lie_is_corrupt(headers: int, requests: int) -> None:
    """The checksum fits, so no disk did this: a writer is wrong."""
    body = struct.pack("<II", headers, requests) + b"abcde"
    with pytest.raises(Corrupt):
        read(MAGIC + struct.pack("<II", len(body), zlib.crc32(body)) + body)


def test_a_record_too_short_for_its_inner_lengths_is_corrupt() -> None:
    with pytest.raises(Corrupt):
        read(MAGIC + struct.pack("<II", 3, zlib.crc32(b"abc")) + b"abc")


@pytest.mark.parametrize(
    "raw", [b"PK\x03\x04 not a segment", b"ATSPOOL2", b"ATSPOOL2" + encode(b"", b"", b"")]
)
def test_another_file_is_corrupt_and_says_what_to_do(raw: bytes) -> None:
    with pytest.raises(Corrupt, match="not a spool segment") as raised:
        read(raw)
    assert "Move it" in raised.value.remedy


def test_segments_are_listed_oldest_first(tmp_path: Path) -> None:
    for name in (segment_name(10), segment_name(2), "notes.txt", segment_name(10**15)):
        (tmp_path / name).touch()
    assert [file.name for file in segments(tmp_path)] == [segment_name(n) for n in (2, 10, 10**15)]
    assert segments(tmp_path / "missing") == []
