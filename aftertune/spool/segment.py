"""One segment: its header, the records in order, and where reading can go on behind damage."""

import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from aftertune.errors import Corrupt
from aftertune.spool.record import HEAD_BYTES, SpoolRecord, read_body, read_head

FAMILY = b"ATSPOOL"
VERSION = b"2"
SALT_BYTES = 8
_FIELDS = struct.Struct(f"<8s{SALT_BYTES}sQ")
_CHECK = struct.Struct("<I4x")
HEADER_BYTES = _FIELDS.size + _CHECK.size
_BUFFER = 1 << 20
_MICROSECONDS = 1_000_000


class SegmentHeader(NamedTuple):
    """`created` is Unix time in seconds: the segment's first record is as old as that."""

    salt: bytes
    created: float


def segment_header(salt: bytes, created: float) -> bytes:
    """The first HEADER_BYTES of a segment."""
    fields = _FIELDS.pack(FAMILY + VERSION, salt, round(created * _MICROSECONDS))
    return fields + _CHECK.pack(zlib.crc32(fields))


def read_header(segment: Path) -> SegmentHeader | None:
    """None while it is still being written. Raises Corrupt where the file is no segment of this version."""
    with segment.open("rb") as file:
        return _header(segment.name, file)


def scan(segment: Path, offset: int = 0) -> Iterator[SpoolRecord]:
    """The whole records from `offset` on (0, or a `next_offset`).

    Stops before a record that the file's end cuts short: it is still being written, or never will be. Raises Corrupt
    where a record does not match its checksums, and where the file is no segment of this version.
    """
    with segment.open("rb", buffering=_BUFFER) as file:
        header = _header(segment.name, file)
        if header is None:
            return
        position = max(offset, HEADER_BYTES)
        size = file.seek(position, os.SEEK_SET)
        while len(raw := file.read(HEAD_BYTES)) == HEAD_BYTES:
            head = read_head(raw, header.salt)
            if head is None:
                raise Corrupt(f"{segment.name}: no record begins at byte {position}.")
            end = position + HEAD_BYTES + head.length
            if end > size:
                size = os.fstat(file.fileno()).st_size
            if end > size:
                return
            record = read_body(position, head, file.read(head.length))
            if record is None:
                raise Corrupt(f"{segment.name}: the record at byte {position} does not match its checksum.")
            position = record.next_offset
            yield record


def resume(segment: Path, offset: int) -> int | None:
    """Where the first whole record behind `offset` begins; None where there is none.

    Raises Corrupt where the file is no segment of this version.
    """
    with segment.open("rb") as file:
        header = _header(segment.name, file)
        if header is None or os.fstat(file.fileno()).st_size <= offset:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            position = offset
            while (position := content.find(header.salt, position + 1)) >= 0:
                if _holds_record(content, position, header.salt):
                    return position
    return None


def _holds_record(content: mmap.mmap, position: int, salt: bytes) -> bool:
    body_at = position + HEAD_BYTES
    if body_at > len(content):
        return False
    head = read_head(content[position:body_at], salt)
    if head is None or body_at + head.length > len(content):
        return False
    return read_body(position, head, content[body_at : body_at + head.length]) is not None


def _header(name: str, file: BinaryIO) -> SegmentHeader | None:
    raw = file.read(HEADER_BYTES)
    magic = raw[: len(FAMILY) + len(VERSION)]
    if not (FAMILY + VERSION).startswith(magic):
        if magic.startswith(FAMILY):
            found = magic[len(FAMILY) :].decode("ascii", "replace")
            raise Corrupt(
                f"{name} is a spool segment of version {found!r}; this program reads version {VERSION.decode()!r}.",
                "Read it with the version of Aftertune that wrote it.",
            )
        raise Corrupt(f"{name} is not a spool segment.", "Move it out of the spool folder.")
    if len(raw) < HEADER_BYTES:
        return None
    fields = raw[: _FIELDS.size]
    if _CHECK.pack(zlib.crc32(fields)) != raw[_FIELDS.size :]:
        raise Corrupt(f"{name}: the header of the segment does not match its checksum.")
    _, salt, created = _FIELDS.unpack(fields)
    return SegmentHeader(salt, created / _MICROSECONDS)
