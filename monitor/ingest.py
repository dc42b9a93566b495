"""From the routers' spool folders to the store, exactly once.

A segment's position is stored in the transaction that stores its exchanges, and an exchange is stored once by its
id: a crash at any point repeats work, never records. Nothing that cannot be read is thrown away: a corrupt segment
is renamed `*.corrupt`, a sealed segment that ends in half a record `*.torn`, and an unreadable record is copied
to `*.refused`.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from aftertune.clock import Clock
from aftertune.errors import Corrupt
from aftertune.spool import MAGIC, SpoolRecord, encode, scan, segments
from aftertune.store import Store, Transaction
from aftertune.store.exchanges import Payload
from aftertune.values.exchange import CapturePolicy, Exchange, ExchangeHeader, ExchangeRole, ToolCall
from monitor.answers import Answer, read_answer
from monitor.metrics import Metrics
from monitor.pairs import Leg, pair_up
from monitor.scores import says_something, score, score_unseen

BATCH = 200
"""Records a transaction: a writer elsewhere never waits long."""

ACTOR = "ingest"

log = logging.getLogger(__name__)


class _Segment(NamedTuple):
    router: str
    path: Path
    sealed: bool

    @property
    def name(self) -> str:
        return self.path.name


class _Stored(NamedTuple):
    """What one batch added, to be counted once it is committed."""

    exchanges: list[Exchange]
    paired: list[str]


class Ingest:
    def __init__(self, store: Store, spool: Path, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._spool = spool
        self._clock = clock
        self._metrics = metrics

    def run(self) -> int:
        """Read all that is whole now; returns the number of records read.

        A file that cannot be read does not stop the others: its OSError is raised after them. Raises Unavailable.
        """
        read, fault = 0, None
        for segment in _segments(self._spool):
            try:
                read += self._ingest(segment)
            except OSError as error:
                fault = error
        if fault is not None:
            raise fault
        return read

    def _ingest(self, segment: _Segment) -> int:
        with self._store.read() as tx:
            start = tx.exchanges.position(segment.router, segment.name)
        size = segment.path.stat().st_size
        if start > size:
            start = 0  # Not the file that was read before: its name was used again.
        read, end = 0, start
        for batch in _batches(scan(segment.path, start)):
            if isinstance(batch, Corrupt):
                self._set_aside(segment, batch)
                return read
            self._store_batch(segment, batch, end)
            read, end = read + len(batch), batch[-1].next_offset
        if segment.sealed:
            self._finish(segment, end)
        return read

    def _store_batch(self, segment: _Segment, batch: Sequence[SpoolRecord], start: int) -> None:
        stored = _Stored([], [])
        offset = start
        with self._store.write() as tx:
            for record in batch:
                self._store_record(tx, segment, record, offset, stored)
                offset = record.next_offset
            tx.exchanges.set_position(segment.router, segment.name, offset)
        for exchange in stored.exchanges:
            self._metrics.ingested.labels(role=exchange.role).inc()
        for deployment in stored.paired:
            self._metrics.pairs.labels(deployment=deployment).inc()

    def _store_record(
        self, tx: Transaction, segment: _Segment, record: SpoolRecord, offset: int, stored: _Stored
    ) -> None:
        try:
            header = ExchangeHeader.model_validate_json(record.header)
        except ValidationError as error:
            self._refuse(segment, record, offset, error)
            return
        leg = _read_leg(header, record.request, record.answer)
        whole = header.capture is CapturePolicy.FULL
        added = tx.exchanges.add(
            leg.exchange,
            Payload(record.request, record.answer) if whole else None,
            leg.scores if says_something(header) else None,
        )
        if not added:
            return
        stored.exchanges.append(leg.exchange)
        if whole and _store_pair(tx, leg):
            stored.paired.append(header.deployment)

    def _refuse(self, segment: _Segment, record: SpoolRecord, offset: int, error: ValidationError) -> None:
        """Keep the record beside the segment: the segment itself goes when it is done."""
        kept = segment.path.with_name(f"{segment.path.stem}-{offset}.refused")
        kept.write_bytes(MAGIC + encode(record.header, record.request, record.answer))
        self._metrics.refused.labels(reason="header").inc()
        log.error(
            "%s/%s: the record at byte %d has no header that this version reads (%d faults); kept as %s.",
            segment.router,
            segment.name,
            offset,
            error.error_count(),
            kept.name,
        )

    def _set_aside(self, segment: _Segment, error: Corrupt) -> None:
        subject = f"{segment.router}/{segment.name}"
        now = self._clock.now()
        with self._store.write() as tx:
            if tx.deployments.claim_key(f"corrupt:{subject}", ACTOR, "segment_corrupt", subject, now):
                tx.audit.append(now, ACTOR, "segment_corrupt", subject, {"reason": error.what})
            tx.exchanges.forget_position(segment.router, segment.name)
        segment.path.rename(segment.path.with_suffix(".corrupt"))
        self._metrics.refused.labels(reason="corrupt").inc()
        log.error("%s Renamed to *.corrupt in the folder of %s; a person must look.", error, segment.router)

    def _finish(self, segment: _Segment, end: int) -> None:
        """A sealed segment was read to its end: nothing will be added to it."""
        left = segment.path.stat().st_size - max(end, len(MAGIC))
        with self._store.write() as tx:
            tx.exchanges.forget_position(segment.router, segment.name)
        if left <= 0:
            segment.path.unlink()
            return
        segment.path.rename(segment.path.with_suffix(".torn"))
        log.warning(
            "%s/%s ends in %d bytes of a record that was never finished; kept as *.torn.",
            segment.router,
            segment.name,
            left,
        )


def _segments(spool: Path) -> Iterator[_Segment]:
    """Every segment of every router, oldest first; all but a router's newest are sealed."""
    for folder in sorted(path for path in spool.glob("*") if path.is_dir()):
        files = segments(folder)
        for file in files:
            yield _Segment(folder.name, file, sealed=file is not files[-1])


def _batches(records: Iterator[SpoolRecord]) -> Iterator[list[SpoolRecord] | Corrupt]:
    """Batches of at most BATCH; where the segment is corrupt, the records before that and then the fault."""
    while True:
        batch: list[SpoolRecord] = []
        fault: Corrupt | None = None
        try:
            for record in islice(records, BATCH):
                batch.append(record)  # noqa: PERF402  (keeps what came before a fault)
        except Corrupt as error:
            fault = error
        if batch:
            yield batch
        if fault is not None:
            yield fault
        if fault is not None or len(batch) < BATCH:
            return


def _read_leg(header: ExchangeHeader, request: bytes, answer: bytes) -> Leg:
    """Of a payload that may not be kept, only tool names are."""
    unseen = header.capture in (CapturePolicy.NONE, CapturePolicy.METADATA)
    read = Answer() if unseen else read_answer(answer)
    keep_arguments = header.capture is CapturePolicy.FULL
    calls = tuple(c if keep_arguments else ToolCall(name=c.name, arguments="") for c in read.tool_calls)
    exchange = Exchange(
        **header.model_dump(include=set(ExchangeHeader.model_fields)),
        finish=read.finish,
        usage=read.usage,
        tool_calls=calls,
    )
    return Leg(exchange, read, score_unseen(header) if unseen else score(request, read, header))


def _store_pair(tx: Transaction, leg: Leg) -> bool:
    """Pair the leg with the other one if that is stored; a client that reuses a request id gets no second pair."""
    exchange = leg.exchange
    if exchange.pair_id is None or exchange.role is ExchangeRole.PROBE:
        return False
    others = [e for e in tx.exchanges.legs(exchange.pair_id) if e.exchange_id != exchange.exchange_id]
    if len(others) != 1:
        return False
    payload = tx.exchanges.payload(others[0].exchange_id)
    if payload is None:
        return False
    pair = pair_up(leg, _read_leg(others[0], payload.request, payload.answer))
    if pair is None:
        return False
    tx.pairs.add(pair)
    return True
