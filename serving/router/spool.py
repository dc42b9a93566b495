"""The writer of the router's spool folder: one for each process."""

import contextlib
import fcntl
import logging
import os
from pathlib import Path

from aftertune.errors import BadInput, Corrupt
from aftertune.settings import SpoolSettings
from aftertune.spool import MAGIC, encode, scan, segment_name, segments
from aftertune.values.exchange import ExchangeHeader
from serving.router.metrics import Metrics

log = logging.getLogger(__name__)


class SpoolWriter:
    """Appends records to segments that only their owner can read. A broken disk costs records, never traffic."""

    def __init__(self, folder: Path, settings: SpoolSettings, metrics: Metrics) -> None:
        """Take the folder for this process. Raises BadInput when another router writes there."""
        self._folder = folder
        self._settings = settings
        self._metrics = metrics
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self._lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise BadInput(
                f"Another router writes to {folder}.", "Stop it, or set AFTERTUNE_ROUTER__NAME."
            ) from None
        self._segment: int | None = None
        self._size = 0
        self._next = _next_number(folder)

    def append(self, header: ExchangeHeader, request: bytes, answer: bytes) -> None:
        """Store one record, whole or not at all; failures are counted and logged."""
        record = encode(header.model_dump_json().encode(), request, answer)
        try:
            if self._segment is None or self._size >= self._settings.segment_bytes:
                self._open()
            self._write(record)
        except OSError as error:
            self._metrics.spool_errors.inc()
            log.warning("The spool lost the record of request %s: %s.", header.request_id, error)
            self._cut()
        else:
            self._next += 1
            self._metrics.spool_records.inc()

    def close(self) -> None:
        """Flush to disk and give the folder up."""
        if self._segment is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._segment)
            os.close(self._segment)
            self._segment = None
        os.close(self._lock)

    def _write(self, record: bytes) -> None:
        assert self._segment is not None
        _write_whole(self._segment, record)
        if self._settings.fsync_s:
            os.fsync(self._segment)
        self._size += len(record)

    def _open(self) -> None:
        """Begin a new segment; its number is above every number ever used in this folder."""
        if self._segment is not None:
            os.close(self._segment)
            self._segment = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        path = self._folder / segment_name(self._next)
        descriptor = os.open(path, flags, 0o600)
        try:
            _write_whole(descriptor, MAGIC)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        self._segment, self._size = descriptor, len(MAGIC)

    def _cut(self) -> None:
        """Take a half-written record back; where that fails, the next record begins a new segment."""
        if self._segment is None:
            return
        try:
            os.ftruncate(self._segment, self._size)
        except OSError:
            os.close(self._segment)
            self._segment = None
            self._next += 1


def _write_whole(descriptor: int, content: bytes) -> None:
    """One write; a short one is an error, as the rest would be a second."""
    written = os.write(descriptor, content)
    if written < len(content):
        raise OSError(f"only {written} of {len(content)} bytes fitted")


def _next_number(folder: Path) -> int:
    """One past the last record of the newest segment, and past that segment's own number if it has none."""
    existing = segments(folder)
    if not existing:
        return 0
    count = 0
    try:
        for _ in scan(existing[-1]):
            count += 1
    except Corrupt as error:
        log.warning("%s", error)
    return int(existing[-1].stem) + max(count, 1)
