"""From the routers' spool folders to the store, exactly once.

A segment's position is stored in the transaction that stores its exchanges, and an exchange is stored once by its
id: a crash at any point repeats work, never records. A sealed segment is deleted when it is read, so raw payloads stay
in the spool no longer than a segment stays open. Nothing that cannot be read is thrown away: see `aftertune.spool` for
what is kept beside the segments.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from aftertune.clock import Clock
from aftertune.errors import Corrupt
from aftertune.spool import (
    HEADER_BYTES,
    SEALED,
    SpoolRecord,
    is_sealed,
    measure,
    resume,
    scan,
    seal_abandoned,
    segments,
)
from aftertune.store import Store
from monitor.aside import CORRUPT, DAMAGED, REFUSED, TORN, keep
from monitor.batch import Batch, Stored, read_batch, store_batch
from monitor.metrics import Metrics
from monitor.record import Redaction

BATCH = 500
BATCH_BYTES = 16_000_000
"""A transaction holds no more: a writer elsewhere never waits long, and memory is bounded."""

ABANDONED_S = 60.0
"""An open segment to which nothing was added for so long is sealed here, if no router holds its folder."""

ACTOR = "ingest"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Segment:
    """`name` is that of the sealed segment: a position stays valid when it is sealed."""

    path: Path

    @cached_property
    def router(self) -> str:
        return self.path.parent.name

    @cached_property
    def name(self) -> str:
        return self.path.with_suffix(SEALED).name

    @cached_property
    def subject(self) -> str:
        return f"{self.router}/{self.name}"


class Replayed(NamedTuple):
    """What reading files again came to. `known` were stored before; `faults` say what could not be read, and where."""

    new: int
    known: int
    gaps: int
    pairs: int
    faults: tuple[str, ...]


class Ingest:
    """`run` reads what routers spool; `replay` reads files that a person names."""

    def __init__(
        self, store: Store, spool: Path, clock: Clock, metrics: Metrics, redaction: Redaction
    ) -> None:
        self._store = store
        self._spool = spool
        self._clock = clock
        self._metrics = metrics
        self._redaction = redaction

    def run(self) -> int:
        """Read all that is whole now; returns the number of records read.

        A file that cannot be read does not stop the others: its OSError is raised after them. Raises Unavailable.
        """
        read, fault = 0, None
        folders = sorted(path for path in self._spool.glob("*") if path.is_dir())
        self._show_oldest(folders)
        for path in (path for folder in folders for path in segments(folder)):
            try:
                read += self._ingest(_Segment(path))
            except FileNotFoundError:
                continue  # Its router sealed it, and so renamed it, meanwhile: it is read the next time.
            except OSError as error:
                fault = error
        if fault is not None:
            raise fault
        return read

    def replay(self, path: Path) -> Replayed:
        """Read one file, whatever ingest called it, and store what is new in it. Raises OSError, Unavailable."""
        new = known = gaps = pairs = end = 0
        faults: list[str] = []
        while True:
            fault: Corrupt | None = None
            for records in _batches(scan(path, end)):
                if isinstance(records, Corrupt):
                    fault = records
                    break
                batch = read_batch(records, self._redaction)
                with self._store.write() as tx:
                    stored = store_batch(tx, batch)
                self._count(stored)
                new += len(stored.exchanges)
                known += len(batch.read) - len(stored.exchanges)
                gaps += len(stored.gaps)
                pairs += len(stored.pairs)
                faults += (
                    f"{path.name}: the record at byte {each.record.offset} cannot be read ({each.reason})."
                    for each in batch.refused
                )
                end = records[-1].next_offset
            if fault is None:
                return Replayed(new, known, gaps, pairs, tuple(faults))
            faults.append(fault.what)
            after = _resumed(path, end)
            if after is None:
                return Replayed(new, known, gaps, pairs, tuple(faults))
            end = after

    def _ingest(self, segment: _Segment) -> int:
        sealed = is_sealed(segment.path)
        with self._store.read() as tx:
            end = tx.exchanges.position(segment.router, segment.name)
        status = segment.path.stat()
        if end > status.st_size:
            end = 0  # Not the file that was read before: its name was used again.
        read = 0
        while True:
            fault: Corrupt | None = None
            for records in _batches(scan(segment.path, end)):
                if isinstance(records, Corrupt):
                    fault = records
                    break
                self._store_records(segment, records)
                read, end = read + len(records), records[-1].next_offset
            # An open segment may be cut back and written again while it is read: it is judged when it is sealed.
            if fault is None or not sealed:
                break
            after = self._step_over(segment, end, fault)
            if after is None:
                return read
            end = after
        if sealed:
            self._finish(segment, end)
        elif self._clock.now().timestamp() - status.st_mtime > ABANDONED_S:
            seal_abandoned(segment.path.parent)
        return read

    def _store_records(self, segment: _Segment, records: Sequence[SpoolRecord]) -> None:
        batch = read_batch(records, self._redaction)
        with self._store.write() as tx:
            stored = store_batch(tx, batch)
            for refusal in batch.refused:
                kept = keep(segment.path, refusal.record.offset, refusal.record.next_offset, REFUSED)
                body = {"offset": refusal.record.offset, "kept": kept.name, "reason": refusal.reason}
                tx.audit.append(self._clock.now(), ACTOR, "record_refused", segment.subject, body)
            tx.exchanges.set_position(segment.router, segment.name, records[-1].next_offset)
        self._count(stored)
        self._tell(segment, batch)

    def _count(self, stored: Stored) -> None:
        for new in stored.exchanges:
            self._metrics.ingested.labels(role=new.exchange.role).inc()
        for pair in stored.pairs:
            self._metrics.pairs.labels(deployment=pair.deployment).inc()

    def _tell(self, segment: _Segment, batch: Batch) -> None:
        for refusal in batch.refused:
            self._metrics.refused.labels(reason=refusal.kind).inc()
            log.error(
                "%s: the record at byte %d cannot be read (%s); kept as *%s, a person must look.",
                segment.subject,
                refusal.record.offset,
                refusal.reason,
                REFUSED,
            )

    def _step_over(self, segment: _Segment, end: int, fault: Corrupt) -> int | None:
        """Keep what does not verify aside; returns where reading goes on, None where the whole file is set aside."""
        start, size = max(end, HEADER_BYTES), segment.path.stat().st_size
        try:
            after = resume(segment.path, start)
        except Corrupt:
            self._audit_damage(segment, "segment_corrupt", 0, fault)
            segment.path.rename(segment.path.with_suffix(CORRUPT))
            # The fault itself says all; a trace of the second look would not.
            log.error("%s Renamed to *%s in the folder of %s.", fault, CORRUPT, segment.router)  # noqa: TRY400
            return None
        after = size if after is None else after
        keep(segment.path, start, after, DAMAGED)
        self._audit_damage(segment, "segment_damaged", start, fault, after)
        log.error("%s: %s Bytes %d to %d are kept as *%s.", segment.subject, fault, start, after, DAMAGED)
        return after

    def _audit_damage(
        self, segment: _Segment, action: str, start: int, fault: Corrupt, after: int | None = None
    ) -> None:
        """Once, though a crash makes it happen again; a position behind the damage is stored with it."""
        now, subject = self._clock.now(), segment.subject
        with self._store.write() as tx:
            if tx.deployments.claim_key(f"{action}:{subject}:{start}", ACTOR, action, subject, now):
                tx.audit.append(now, ACTOR, action, subject, {"offset": start, "reason": fault.what})
            if after is None:
                tx.exchanges.forget_position(segment.router, segment.name)
            else:
                tx.exchanges.set_position(segment.router, segment.name, after)
        self._metrics.refused.labels(reason="corrupt").inc()

    def _finish(self, segment: _Segment, end: int) -> None:
        """A sealed segment was read to its end: nothing will be added to it."""
        start, size = max(end, HEADER_BYTES), segment.path.stat().st_size
        if size > start:
            keep(segment.path, start, size, TORN)
            log.warning(
                "%s ends in %d bytes of a record that was never finished; kept as *%s.",
                segment.subject,
                size - start,
                TORN,
            )
        segment.path.unlink()
        with self._store.write() as tx:
            tx.exchanges.forget_position(segment.router, segment.name)

    def _show_oldest(self, folders: Sequence[Path]) -> None:
        oldest = [at for folder in folders if (at := measure(folder).oldest) is not None]
        age = self._clock.now().timestamp() - min(oldest) if oldest else 0.0
        self._metrics.spool_oldest.set(max(0.0, age))


def _resumed(path: Path, end: int) -> int | None:
    try:
        return resume(path, max(end, HEADER_BYTES))
    except Corrupt:
        return None


def _batches(records: Iterator[SpoolRecord]) -> Iterator[list[SpoolRecord] | Corrupt]:
    """Batches of bounded size; where the segment is corrupt, the records before that and then the fault."""
    batch: list[SpoolRecord] = []
    start = 0
    fault: Corrupt | None = None
    try:
        for record in records:
            batch.append(record)
            start = batch[0].offset
            if len(batch) >= BATCH or record.next_offset - start >= BATCH_BYTES:
                yield batch
                batch = []
    except Corrupt as error:
        fault = error
    if batch:
        yield batch
    if fault is not None:
        yield fault
