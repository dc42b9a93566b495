"""From the routers' spool folders to the store, exactly once.

A segment's position is stored in the transaction that stores its exchanges, and an exchange is stored once by its
id: a crash at any point repeats work, never records. Nothing that cannot be read is thrown away: a corrupt segment
is renamed `*.corrupt`, a sealed segment that ends in half a record `*.torn`, and a record that cannot be read, or
whose reading meets a fault of ours, is copied to `*.refused`: one record never stops the ones behind it.
"""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from aftertune.clock import Clock
from aftertune.errors import Corrupt
from aftertune.spool import MAGIC, SpoolRecord, encode, scan, segments
from aftertune.store import Store, Transaction
from aftertune.store.exchanges import Payload
from aftertune.values.exchange import CapturePolicy, Exchange, ExchangeHeader, ExchangeRole
from aftertune.values.pair import AnswerScores
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


class _Read(NamedTuple):
    """One record. `evidence` is None where it says nothing about the release, `leg` where payload is not kept."""

    exchange: Exchange
    evidence: AnswerScores | None
    leg: Leg | None


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
        refuse = partial(self._refuse, tx, segment, record, offset)
        try:
            read = _read(record)
        except ValidationError as error:
            refuse("header", f"its header has {error.error_count()} faults")
            return
        except Exception as error:  # noqa: BLE001  (a fault of ours must not stop what comes after)
            refuse("fault", type(error).__name__)
            return
        payload = None if read.leg is None else Payload(record.request, record.answer)
        if not tx.exchanges.add(read.exchange, payload, read.evidence):
            return
        stored.exchanges.append(read.exchange)
        other = None if read.leg is None else _other_leg(tx, read.exchange)
        if read.leg is None or other is None:
            return
        try:
            pair = pair_up(read.leg, _read_leg(*other))
        except Exception as error:  # noqa: BLE001  (a fault of ours must not stop what comes after)
            refuse("fault", type(error).__name__)
            return
        if pair is not None:
            tx.pairs.add(pair)
            stored.paired.append(read.exchange.deployment)

    def _refuse(
        self, tx: Transaction, segment: _Segment, record: SpoolRecord, offset: int, kind: str, reason: str
    ) -> None:
        """Keep the record beside the segment: the segment itself goes when it is done.

        The reason never quotes the record, which may hold what a log must not.
        """
        subject = f"{segment.router}/{segment.name}"
        kept = segment.path.with_name(f"{segment.path.stem}-{offset}.refused")
        kept.write_bytes(MAGIC + encode(record.header, record.request, record.answer))
        body = {"offset": offset, "kept": kept.name, "reason": reason}
        tx.audit.append(self._clock.now(), ACTOR, "record_refused", subject, body)
        self._metrics.refused.labels(reason=kind).inc()
        log.error(
            "%s: the record at byte %d cannot be read (%s); kept as %s, a person must look.",
            subject,
            offset,
            reason,
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


def _read(record: SpoolRecord) -> _Read:
    """Raises ValidationError where the header is not one that this version knows."""
    header = ExchangeHeader.model_validate_json(record.header)
    counts = says_something(header)
    if header.capture is not CapturePolicy.FULL:
        return _Read(_exchange(header, Answer()), score_unseen(header) if counts else None, None)
    leg = _read_leg(header, record.request, record.answer)
    return _Read(leg.exchange, leg.scores if counts else None, leg)


def _read_leg(header: ExchangeHeader, request: bytes, answer: bytes) -> Leg:
    read = read_answer(answer)
    return Leg(_exchange(header, read), read, score(request, read, header))


def _exchange(header: ExchangeHeader, answer: Answer) -> Exchange:
    return Exchange(
        **header.model_dump(include=set(ExchangeHeader.model_fields)),
        finish=answer.finish,
        usage=answer.usage,
        tool_calls=answer.tool_calls,
    )


def _other_leg(tx: Transaction, exchange: Exchange) -> tuple[Exchange, bytes, bytes] | None:
    """The stored leg that the exchange pairs with, and its payload.

    None where it is not there yet; a client that reuses a request id gets no second pair.
    """
    if exchange.pair_id is None or exchange.role is ExchangeRole.PROBE:
        return None
    others = [e for e in tx.exchanges.legs(exchange.pair_id) if e.exchange_id != exchange.exchange_id]
    if len(others) != 1:
        return None
    payload = tx.exchanges.payload(others[0].exchange_id)
    return None if payload is None else (others[0], payload.request, payload.answer)
