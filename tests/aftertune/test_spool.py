"""The segment format: what was appended comes back, whatever happens to the file."""

import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.errors import Corrupt
from aftertune.spool import (
    HEADER_BYTES,
    Kind,
    SpoolRecord,
    encode,
    head,
    read_header,
    resume,
    scan,
    segment_header,
)

Body = tuple[bytes, bytes, bytes]
SALT = bytes(range(100, 108))
bodies = st.tuples(*[st.binary(max_size=30)] * 3)
some = st.lists(bodies, min_size=1, max_size=4)
THREE: list[Body] = [(b"h1", b"q1", b"a1"), (b"", b"", b""), (b'{"id":3}', b"\x00" * 9, b"data: [DONE]\n\n")]


def content(records: Sequence[Body], salt: bytes = SALT) -> bytes:
    return segment_header(salt, 1.5) + b"".join(encode(salt, *record) for record in records)


def read(raw: bytes, offset: int = 0) -> list[SpoolRecord]:
    found, error = read_until_corrupt(raw, offset)
    if error is not None:
        raise error
    return found


def read_until_corrupt(raw: bytes, offset: int = 0) -> tuple[list[SpoolRecord], Corrupt | None]:
    """The records before the first that does not verify, and the complaint about that one."""
    found: list[SpoolRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        segment = Path(folder) / "0000000000000000.seg"
        segment.write_bytes(raw)
        try:
            found.extend(scan(segment, offset))
        except Corrupt as error:
            return found, error
    return found, None


def salvage(raw: bytes) -> list[SpoolRecord]:
    """Everything whole, before and behind whatever is damaged, as ingest reads it."""
    found: list[SpoolRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        segment = Path(folder) / "0000000000000000.seg"
        segment.write_bytes(raw)
        start: int | None = 0
        while start is not None:
            more, error = read_until_corrupt(raw, start)
            found += more
            end = found[-1].next_offset if more else max(start, HEADER_BYTES)
            start = resume(segment, end) if error is not None else None
    return found


def bodies_of(records: Sequence[SpoolRecord]) -> list[Body]:
    return [(record.header, record.request, record.answer) for record in records]


@given(st.lists(bodies, max_size=5))
def test_records_come_back_in_order(records: list[Body]) -> None:
    found = read(content(records))
    assert bodies_of(found) == records
    assert [record.next_offset for record in found] == [
        len(content(records[: n + 1])) for n in range(len(records))
    ]
    assert [record.offset for record in found] == [len(content(records[:n])) for n in range(len(records))]


def test_layout_is_as_documented() -> None:
    fields = b"ATSPOOL2" + SALT + struct.pack("<Q", 1_500_000)
    assert segment_header(SALT, 1.5) == fields + struct.pack("<II", zlib.crc32(fields), 0)
    body = b"hdrequestanswer"
    known = SALT + struct.pack("<IIIII", Kind.EXCHANGE, 2, 7, 6, zlib.crc32(body))
    assert encode(SALT, b"hd", b"request", b"answer") == known + struct.pack("<I", zlib.crc32(known)) + body
    assert (Kind.EXCHANGE, Kind.GAP) == (1, 2)


@given(st.lists(st.binary(max_size=9), max_size=6))
def test_an_answer_in_pieces_is_the_answer(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert head(SALT, Kind.EXCHANGE, b"h", b"q", pieces) == head(SALT, Kind.EXCHANGE, b"h", b"q", [whole])


def test_kinds_come_back_known_or_not() -> None:
    raw = segment_header(SALT, 0) + encode(SALT, b"g", b"", b"", Kind.GAP) + encode(SALT, b"n", b"", b"", 77)
    assert [record.kind for record in read(raw)] == [Kind.GAP, 77]


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
def test_a_flipped_bit_anywhere_is_found_and_gives_no_wrong_record(
    records: list[Body], data: st.DataObject
) -> None:
    raw = bytearray(content(records))
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= 1 << data.draw(st.integers(0, 7))
    ends = [len(content(records[: n + 1])) for n in range(len(records))]
    found, error = read_until_corrupt(bytes(raw))
    assert error is not None
    before = 0 if position < HEADER_BYTES else sum(end <= position for end in ends)
    assert bodies_of(found) == records[:before]


@given(some, st.binary(max_size=120), st.data())
def test_overwritten_bytes_give_only_corrupt_and_only_true_records(
    records: list[Body], garbage: bytes, data: st.DataObject
) -> None:
    raw = bytearray(content(records))
    position = data.draw(st.integers(0, len(raw)))
    raw[position : position + len(garbage)] = garbage
    found, _ = read_until_corrupt(bytes(raw))
    assert bodies_of(found) == records[: len(found)]


@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_read_or_corrupt(raw: bytes) -> None:
    found, _ = read_until_corrupt(raw)
    assert found == []


@given(some, bodies, some, st.data())
def test_what_is_whole_behind_damage_is_found(
    before: list[Body], damaged: Body, after: list[Body], data: st.DataObject
) -> None:
    raw = bytearray(content([*before, damaged, *after]))
    start, end = len(content(before)), len(content([*before, damaged]))
    raw[data.draw(st.integers(start, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert bodies_of(salvage(bytes(raw))) == [*before, *after]


def test_a_payload_that_holds_a_record_is_not_taken_for_one() -> None:
    """Whoever writes a payload does not know the segment's salt."""
    planted = encode(b"guessed!", b'{"exchange_id":"forged"}', b"", b"")
    raw = bytearray(content([(b"h", planted, b"a"), (b"h2", b"", b"")]))
    raw[HEADER_BYTES + 20] ^= 1
    assert bodies_of(salvage(bytes(raw))) == [(b"h2", b"", b"")]


@pytest.mark.parametrize("raw", [b"PK\x03\x04 not a segment", b"ATSPO\x00"])
def test_another_file_is_corrupt_and_says_what_to_do(raw: bytes) -> None:
    with pytest.raises(Corrupt, match="not a spool segment") as raised:
        read(raw)
    assert "Move it" in raised.value.remedy


@pytest.mark.parametrize("version", ["1", "3"])
def test_another_version_is_refused_by_its_name(version: str) -> None:
    raw = b"ATSPOOL" + version.encode() + content(THREE)[8:]
    with pytest.raises(Corrupt, match=rf"version '{version}'; this program reads version '2'"):
        read(raw)


def test_the_header_says_how_old_the_first_record_is(tmp_path: Path) -> None:
    segment = tmp_path / "0000000000000001.seg"
    segment.write_bytes(content([])[:-1])
    assert read_header(segment) is None
    segment.write_bytes(content([]))
    assert read_header(segment) == (SALT, 1.5)
