"""The spool's segment format, version 1: the router appends, ingest reads.

A segment is a file `<first record number, 16 digits>.seg` in the router's spool folder::

    segment = magic "ATSPOOL1" record*
    record  = length:u32 crc32:u32 body          (little endian; length and CRC are of the body)
    body    = header_length:u32 request_length:u32 header request answer

`header` is the JSON of an ExchangeHeader; request and answer are the raw bytes of the two HTTP bodies.
A record that is cut short at the end of the newest segment was never acknowledged and is ignored.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aftertune.errors import Corrupt

MAGIC = b"ATSPOOL1"
SUFFIX = ".seg"
_FRAME = struct.Struct("<II")
_LENGTHS = struct.Struct("<II")


@dataclass(frozen=True)
class SpoolRecord:
    """One record and the offset at which the next begins."""

    next_offset: int
    header: bytes
    request: bytes
    answer: bytes


def segment_name(number: int) -> str:
    return f"{number:016d}{SUFFIX}"


def segments(folder: Path) -> list[Path]:
    """The folder's segments, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def encode(header: bytes, request: bytes, answer: bytes) -> bytes:
    """One framed record."""
    body = b"".join((_LENGTHS.pack(len(header), len(request)), header, request, answer))
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def scan(segment: Path, offset: int = 0) -> Iterator[SpoolRecord]:
    """The whole records from `offset` on (0, or a `next_offset`).

    Stops before a record that is still being written. Raises Corrupt where a complete record does not match
    its checksum, or where the file is no segment.
    """
    with segment.open("rb") as file:
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            if MAGIC.startswith(magic):
                return
            raise Corrupt(f"{segment.name} is not a spool segment.", "Move it out of the spool folder.")
        position = max(offset, len(MAGIC))
        file.seek(position)
        while len(frame := file.read(_FRAME.size)) == _FRAME.size:
            length, checksum = _FRAME.unpack(frame)
            body = file.read(length)
            if len(body) < length:
                return
            if zlib.crc32(body) != checksum:
                raise Corrupt(f"{segment.name}: the record at byte {position} does not match its checksum.")
            if length < _LENGTHS.size or sum(_LENGTHS.unpack_from(body)) > length - _LENGTHS.size:
                raise Corrupt(
                    f"{segment.name}: the record at byte {position} has lengths that do not fit it."
                )
            position += _FRAME.size + length
            yield _decode(body, position)


def _decode(body: bytes, next_offset: int) -> SpoolRecord:
    header_length, request_length = _LENGTHS.unpack_from(body)
    request_at = _LENGTHS.size + header_length
    answer_at = request_at + request_length
    return SpoolRecord(
        next_offset=next_offset,
        header=body[_LENGTHS.size : request_at],
        request=body[request_at:answer_at],
        answer=body[answer_at:],
    )
