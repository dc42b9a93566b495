"""What ingest cannot read is kept beside the segments, owner-only, as a segment of its own that `scan` can read."""

import os
from pathlib import Path

from aftertune import durable
from aftertune.spool import HEADER_BYTES

REFUSED = ".refused"
TORN = ".torn"
DAMAGED = ".damaged"
CORRUPT = ".corrupt"


def keep(segment: Path, start: int, end: int, suffix: str) -> Path:
    """Copy bytes [start, end) under the segment's header; the same again is the same file. Raises OSError."""
    kept = segment.with_name(f"{segment.stem}-{start}{suffix}")
    with segment.open("rb") as file:
        header = file.read(HEADER_BYTES)
        file.seek(start)
        content = file.read(end - start)
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as copy:
        copy.write(header + content)
    durable.flush(kept)
    durable.flush(kept.parent)
    return kept
