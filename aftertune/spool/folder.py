"""A router's spool folder: the names in it, who writes there, and how much it holds."""

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import NamedTuple

from aftertune.errors import BadInput, Corrupt
from aftertune.spool.segment import read_header

OPEN = ".open"
SEALED = ".seg"
_DIGITS = 16
_PATIENCE_S = 2.0
"""Ingest holds a folder for an instant, to seal what a router that died left open."""
_RETRY_S = 0.02


class Contents(NamedTuple):
    """What a folder's segments hold. `oldest`: Unix time of the oldest one's first record; None: there is none."""

    bytes: int
    oldest: float | None


def open_name(number: int) -> str:
    return f"{number:0{_DIGITS}d}{OPEN}"


def sealed_name(number: int) -> str:
    return f"{number:0{_DIGITS}d}{SEALED}"


def segments(folder: Path) -> list[Path]:
    """The folder's segments, sealed and open, oldest first."""
    return sorted(path for path in folder.glob("*") if path.suffix in (OPEN, SEALED))


def is_sealed(segment: Path) -> bool:
    return segment.suffix == SEALED


def next_number(folder: Path, now: float) -> int:
    """Above every number in the folder, and above those of segments that are gone: no less than Unix time `now`."""
    stems = (path.name[:_DIGITS] for path in folder.iterdir())
    return max([int(now), *(int(stem) + 1 for stem in stems if len(stem) == _DIGITS and stem.isdecimal())])


def take(folder: Path) -> int:
    """Make the folder, owner-only, and take it for this process; returns the descriptor that holds it until closed.

    Raises BadInput when another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    deadline = time.monotonic() + _PATIENCE_S
    while not _locked(descriptor):
        if time.monotonic() >= deadline:
            os.close(descriptor)
            raise BadInput(f"Another router writes to {folder}.", "Stop it, or set AFTERTUNE_ROUTER__NAME.")
        time.sleep(_RETRY_S)
    return descriptor


def seal(segment: Path) -> Path:
    """Say that nothing will be added to it; returns its new path."""
    return segment.rename(segment.with_suffix(SEALED))


def seal_abandoned(folder: Path) -> None:
    """Seal what is open in a folder that nobody writes to."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _locked(descriptor):
            for segment in folder.glob(f"*{OPEN}"):
                seal(segment)
    finally:
        os.close(descriptor)


def measure(folder: Path) -> Contents:
    """Looks at every segment's size and at one header."""
    found = segments(folder)
    total = 0
    for segment in found:
        with contextlib.suppress(FileNotFoundError):
            total += segment.stat().st_size
    return Contents(total, next((at for segment in found if (at := _created(segment)) is not None), None))


def _created(segment: Path) -> float | None:
    """None where it was deleted or renamed since it was listed, or cannot be read."""
    try:
        header = read_header(segment)
    except (OSError, Corrupt):
        return None
    return None if header is None else header.created


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
