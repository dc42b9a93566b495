"""One record of a segment: a checked head, then header, request and answer."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

_FIELDS = struct.Struct("<8sIIIII")
_CHECK = struct.Struct("<I")
HEAD_BYTES = _FIELDS.size + _CHECK.size


class Kind(IntEnum):
    """What a record holds."""

    EXCHANGE = 1
    GAP = 2


@dataclass(frozen=True, slots=True)
class SpoolRecord:
    """One whole record. `kind` is a Kind, or a number that a newer writer knows; `next_offset`: where it ends."""

    offset: int
    next_offset: int
    kind: int
    header: bytes
    request: bytes
    answer: bytes


class Head(NamedTuple):
    kind: int
    header: int
    request: int
    answer: int
    check: int

    @property
    def length(self) -> int:
        """Of what follows the head, in bytes."""
        return self.header + self.request + self.answer


def head(salt: bytes, kind: int, header: bytes, request: bytes, answer: Sequence[bytes]) -> bytes:
    """What stands before a record's parts. Each part is shorter than 4 GiB."""
    check = zlib.crc32(request, zlib.crc32(header))
    length = 0
    for piece in answer:
        check = zlib.crc32(piece, check)
        length += len(piece)
    fields = _FIELDS.pack(salt, kind, len(header), len(request), length, check)
    return fields + _CHECK.pack(zlib.crc32(fields))


def encode(salt: bytes, header: bytes, request: bytes, answer: bytes, kind: int = Kind.EXCHANGE) -> bytes:
    """One record, whole."""
    return b"".join((head(salt, kind, header, request, (answer,)), header, request, answer))


def read_head(raw: bytes, salt: bytes) -> Head | None:
    """None where no record of the segment begins with these bytes."""
    if (
        raw[: len(salt)] != salt
        or zlib.crc32(raw[: _FIELDS.size]) != _CHECK.unpack_from(raw, _FIELDS.size)[0]
    ):
        return None
    _, *fields = _FIELDS.unpack_from(raw)
    return Head(*fields)


def read_body(offset: int, head: Head, body: bytes) -> SpoolRecord | None:
    """None where the body is not what the head's check says."""
    if zlib.crc32(body) != head.check:
        return None
    request_at = head.header
    answer_at = request_at + head.request
    return SpoolRecord(
        offset=offset,
        next_offset=offset + HEAD_BYTES + head.length,
        kind=head.kind,
        header=body[:request_at],
        request=body[request_at:answer_at],
        answer=body[answer_at:],
    )
