"""The writer of the router's spool folder: one for each process.

A record is in the page cache when `append` returns: it outlives the process. What a power cut can lose is what was
written since the last fdatasync, which a thread calls. A broken disk, or one that ingest does not empty, costs
records, never traffic; what is lost is counted, and the counts are spooled as gaps as soon as writing works.
"""

import logging
import os
import secrets
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import orjson

from aftertune.clock import Clock, SystemClock
from aftertune.settings.sections import SpoolSettings
from aftertune.spool import (
    HEADER_BYTES,
    SALT_BYTES,
    Kind,
    head,
    measure,
    next_number,
    open_name,
    seal,
    segment_header,
    segments,
    take,
)
from aftertune.values.gap import GapReason
from serving.router.flusher import Flusher, SyncCounts

LATER_BYTES = 1_000_000
"""Records of shadow legs that may wait to be written; beyond, they are written at once."""

LATER_RECORDS = 100

GAPS_EVERY_S = 10.0
"""While records are lost, their count is written this often: what `kill -9` can take of it."""

MOST_BUFFERS = 1000
"""Of one system call: the kernel takes 1024."""

LARGEST = 1 << 30
"""Bytes of a record; a larger one cannot be kept."""

_CLOSED = -1

log = logging.getLogger(__name__)

Parts = tuple[int, bytes, bytes, Sequence[bytes]]
"""A record before it is framed: kind, header, request, the pieces of the answer."""


@dataclass
class SpoolCounts:
    """Read at a scrape. All but the last two only rise.

    `bytes_on_disk` is what the folder's segments hold. `oldest_s` is the age of the oldest one's first record in
    seconds, 0 when there is no segment; both are measured about once a second.
    """

    budget_bytes: int
    records: int = 0
    bytes: int = 0
    lost: dict[GapReason, int] = field(default_factory=lambda: dict.fromkeys(GapReason, 0))
    bytes_on_disk: int = 0
    oldest_s: float = 0.0


@dataclass
class _Loss:
    """Lost records whose gap is not written yet."""

    records: int
    since: datetime
    until: datetime


class SpoolWriter:
    """Appends records to segments that only their owner can read. All but `counts` and `syncs` belongs to one thread."""

    def __init__(
        self,
        folder: Path,
        settings: SpoolSettings,
        name: str,
        clock: Clock | None = None,
        flush_soon: Callable[[], object] = lambda: None,
    ) -> None:
        """Take the folder for this process. Raises BadInput when another router writes there.

        `flush_soon` is called when a record begins to wait: `flush` is then to be called within some milliseconds.
        """
        self._folder = folder
        self._settings = settings
        self._name = name
        self._clock = clock or SystemClock()
        self._budget = settings.disk_budget_bytes
        self._limit = settings.segment_bytes
        self._lock = take(folder)
        for left in segments(folder):
            seal(left)
        self._number = 0
        self._path = folder
        self._descriptor = _CLOSED
        self._salt = b""
        self._size = 0
        self._whole = 0
        self._seal_at = 0.0
        self._flush_soon = flush_soon
        self._flush_asked = False
        self._later: list[Parts] = []
        self._later_bytes = 0
        self._owed: dict[GapReason, _Loss] = {}
        self._owed_at = 0.0
        self._failing = False
        self.counts = SpoolCounts(settings.disk_budget_bytes)
        self.measure()
        self._flusher = Flusher(folder, settings.fsync_s, self.measure)
        self._flusher.start()

    @property
    def syncs(self) -> SyncCounts:
        return self._flusher.counts

    def append(self, header: bytes, request: bytes, answer: Sequence[bytes]) -> None:
        """Write one exchange, with the shadow legs that wait; in the page cache on return. Never raises."""
        record = (Kind.EXCHANGE, header, request, answer)
        if self._later:
            batch = [*self._later, record]
            self._later, self._later_bytes = [], 0
            self._put(batch)
        else:
            self._put((record,))

    def append_later(self, header: bytes, request: bytes, answer: Sequence[bytes]) -> None:
        """Write the exchange of a shadow leg with the next `append`, or at `flush`. Never raises."""
        self._later.append((Kind.EXCHANGE, header, request, answer))
        self._later_bytes += len(header) + len(request) + sum(map(len, answer))
        if self._later_bytes > LATER_BYTES or len(self._later) >= LATER_RECORDS:
            self._put_later()
        elif not self._flush_asked:
            self._flush_asked = True
            self._flush_soon()

    def flush(self) -> None:
        """Write what waits, and seal a segment whose time has come. To be called now and then, unasked too.

        Once closed, nothing: a flush that was asked for may come after the end.
        """
        if self._lock == _CLOSED:
            return
        self._flush_asked = False
        if self._later:
            self._put_later()
        if self._descriptor != _CLOSED or self._owed:
            now = self._clock.monotonic()
            if self._descriptor != _CLOSED and (now >= self._seal_at or self._flusher.failed):
                self._seal()
            if self._owed and now >= self._owed_at:
                self._owed_at = now + GAPS_EVERY_S
                self._put_gaps()

    def close(self) -> None:
        """Write what waits, put all of it on the disk, and give the folder up. Closing again does nothing."""
        if self._lock == _CLOSED:
            return
        self.flush()
        if self._owed:
            self._put_gaps()
        self._seal()
        self._flusher.stop()
        os.close(self._lock)
        self._lock = _CLOSED

    def measure(self) -> None:
        """Look at the folder: called by the flusher's thread, about once a second."""
        try:
            found = measure(self._folder)
        except OSError as error:
            log.warning("The spool folder cannot be measured: %s.", error)
            return
        self.counts.bytes_on_disk = found.bytes
        now = self._clock.now().timestamp()
        self.counts.oldest_s = 0.0 if found.oldest is None else max(0.0, now - found.oldest)

    def _put_later(self) -> None:
        batch, self._later, self._later_bytes = self._later, [], 0
        self._put(batch)

    def _put(self, batch: Sequence[Parts]) -> None:
        """Write all of it, or as much as the disk takes; count the rest. Never raises."""
        if self.counts.bytes_on_disk > self._budget:
            self._lose(GapReason.DISK_BUDGET, len(batch))
            return
        try:
            self._write(batch)
        except Exception as error:  # noqa: BLE001  (whatever it is, traffic goes on)
            kept = self._take_back()
            self.counts.records += kept
            self._put_singly(batch, kept, error)
            return
        self.counts.records += len(batch)
        if self._owed:
            self._put_gaps()

    def _put_singly(self, batch: Sequence[Parts], kept: int, error: Exception) -> None:
        """Of several records that did not fit, some may; the first `kept` are there."""
        if not self._failing:
            self._failing = True
            log.warning("The spool cannot write (%s): records are lost until it can.", error)
        if len(batch) == 1:
            self._lose(GapReason.DISK if isinstance(error, OSError) else GapReason.MEMORY, 1)
            return
        for record in batch[kept:]:
            self._put((record,))

    def _put_gaps(self) -> None:
        """Write down every loss so far, or leave them for later. Never raises."""
        gaps = [(Kind.GAP, self._gap(reason, loss), b"", ()) for reason, loss in self._owed.items()]
        told = len(gaps)
        try:
            self._write(gaps)
        except OSError:
            told = self._take_back()
        for reason in list(self._owed)[:told]:
            loss = self._owed.pop(reason)
            log.warning("The spool lost %d records (%s); a gap says so.", loss.records, reason)
        if not self._owed:
            self._failing = False

    def _gap(self, reason: GapReason, loss: _Loss) -> bytes:
        return orjson.dumps(
            {
                "id": uuid4().hex,
                "router": self._name,
                "reason": reason.value,
                "records": loss.records,
                "since": loss.since,
                "until": loss.until,
            }
        )

    def _lose(self, reason: GapReason, records: int) -> None:
        now = self._clock.now()
        self.counts.lost[reason] += records
        if not self._owed:
            self._owed_at = self._clock.monotonic() + GAPS_EVERY_S
        loss = self._owed.setdefault(reason, _Loss(0, now, now))
        loss.records += records
        loss.until = now

    def _write(self, batch: Sequence[Parts]) -> None:
        """All of it in one system call. Raises OSError with part of it written; the caller takes that back.

        A second call for the rest is not tried. `_whole` is how many records are there all the same.
        """
        self._whole = 0
        if self._descriptor == _CLOSED or self._size >= self._limit:
            self._begin()
        salt = self._salt
        most = MOST_BUFFERS // len(batch) - 3
        buffers: list[bytes] = []
        ends: list[int] = []
        """Where in the call's bytes each record of the batch ends."""
        total = 0
        for kind, header, request, answer in batch:
            pieces = answer if len(answer) <= most else (b"".join(answer),)
            record = (head(salt, kind, header, request, pieces), header, request, *pieces)
            buffers += record
            total += sum(map(len, record))
            ends.append(total)
        if total > LARGEST:
            raise OverflowError(f"{total} bytes are too many for one record")
        written = os.writev(self._descriptor, buffers)
        if written < total:
            self._whole = bisect_right(ends, written)
            raise _short(written, total)
        self._size += total
        self.counts.bytes += total
        self.counts.bytes_on_disk += total
        self._flusher.dirty = True

    def _take_back(self) -> int:
        """Cut what a failed write left; where that fails too, the next record begins a new segment.

        Returns how many records of the batch are there all the same, whole, in what could not be cut.
        """
        if self._descriptor == _CLOSED:
            return 0
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self._seal()
            return self._whole
        return 0

    def _begin(self) -> None:
        """Open a new segment. Raises OSError."""
        self._seal()
        now = self._clock.now().timestamp()
        self._number = max(self._number + 1, next_number(self._folder, now))
        path = self._folder / open_name(self._number)
        salt = secrets.token_bytes(SALT_BYTES)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            _write_header(descriptor, segment_header(salt, now))
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        self._path, self._descriptor, self._salt, self._size = path, descriptor, salt, HEADER_BYTES
        self._seal_at = self._clock.monotonic() + self._settings.seal_s
        self._flusher.begin(descriptor)

    def _seal(self) -> None:
        """Add nothing more to the segment under way, if there is one. Never raises."""
        if self._descriptor == _CLOSED:
            return
        self._descriptor = _CLOSED
        self._flusher.retire()
        try:
            seal(self._path)
        except OSError as error:
            log.warning("A segment stays open until the next start: %s.", error)


def _write_header(descriptor: int, header: bytes) -> None:
    written = os.writev(descriptor, [header])
    if written < HEADER_BYTES:
        raise _short(written, HEADER_BYTES)


def _short(written: int, total: int) -> OSError:
    return OSError(f"only {written} of {total} bytes fitted")
