"""The spool: files in which a router leaves what was asked and answered, for ingest to read.

Version 2 of the segment format, little endian throughout::

    segment = magic "ATSPOOL2"  salt:8  created_us:u64  check:u32  zero:4    then record*
    record  = salt:8  kind:u32  header:u32  request:u32  answer:u32  body_check:u32  head_check:u32
              header  request  answer                                         (as long as the head says)

`salt` is drawn for each segment: it marks where records begin, and no payload can imitate one. `created_us` is
Unix time in microseconds. Checks are CRC-32 of the fields before them; `body_check` is that of header, request and
answer together. Kinds: 1, an exchange, whose header is the JSON of an ExchangeHeader beside the raw bytes of the two
bodies; 2, a gap, whose header is the JSON of a Gap and whose bodies are empty.

A segment `<number>.open` is being written, `<number>.seg` is sealed: nothing is added to it. Numbers have 16 digits,
rise, and are never used twice. A record that is cut short at the end was never acknowledged. Nothing is read of a
file of another version. What ingest cannot read it keeps beside the segments, in the same format: `.torn` (an
unfinished end), `.damaged` (bytes that do not verify), `.refused` (a whole record that says nothing it knows);
`.corrupt` is a file that is no segment at all.
"""

from aftertune.spool.folder import (
    SEALED,
    Contents,
    is_sealed,
    measure,
    next_number,
    open_name,
    seal,
    seal_abandoned,
    sealed_name,
    segments,
    take,
)
from aftertune.spool.record import HEAD_BYTES, Kind, SpoolRecord, encode, head
from aftertune.spool.segment import (
    HEADER_BYTES,
    SALT_BYTES,
    SegmentHeader,
    read_header,
    resume,
    scan,
    segment_header,
)

__all__ = [
    "HEADER_BYTES",
    "HEAD_BYTES",
    "SALT_BYTES",
    "SEALED",
    "Contents",
    "Kind",
    "SegmentHeader",
    "SpoolRecord",
    "encode",
    "head",
    "is_sealed",
    "measure",
    "next_number",
    "open_name",
    "read_header",
    "resume",
    "scan",
    "seal",
    "seal_abandoned",
    "sealed_name",
    "segment_header",
    "segments",
    "take",
]
