"""To the disk itself: what was flushed outlives a power cut."""

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Of a file its bytes, of a folder the names in it. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
