"""One batch of spool records: read outside the transaction, then stored and paired inside it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from aftertune.spool import SpoolRecord
from aftertune.store import Transaction
from aftertune.store.exchanges import LegKey, NewExchange
from aftertune.values.exchange import ExchangeRole
from aftertune.values.gap import Gap
from aftertune.values.pair import Pair
from monitor.pairs import Leg, pair_up, stable_at
from monitor.record import ReadExchange, Redaction, UnknownKind, read, stored_leg

_LIVE = (ExchangeRole.STABLE, ExchangeRole.CANARY)


@dataclass(frozen=True)
class Refusal:
    """A record that cannot be stored. `reason` never quotes it: it may hold what a log must not."""

    record: SpoolRecord
    kind: str
    reason: str


@dataclass
class Batch:
    """What the records say. `records`: the one that each exchange came from, by its id."""

    read: list[ReadExchange] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    records: dict[str, SpoolRecord] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """What a batch added, to be counted once it is committed."""

    exchanges: list[NewExchange]
    gaps: list[Gap]
    pairs: list[Pair]


def read_batch(records: Iterable[SpoolRecord], redaction: Redaction) -> Batch:
    """One record never stops the ones behind it."""
    batch = Batch()
    for record in records:
        try:
            found = read(record, redaction)
        except ValidationError as error:
            batch.refused.append(Refusal(record, "header", f"its header has {error.error_count()} faults"))
        except UnknownKind:
            batch.refused.append(Refusal(record, "kind", f"its kind is {record.kind}, which is not known"))
        except Exception as error:  # noqa: BLE001  (a fault of ours must not stop what comes after)
            batch.refused.append(Refusal(record, "fault", type(error).__name__))
        else:
            if isinstance(found, Gap):
                batch.gaps.append(found)
            else:
                batch.read.append(found)
                batch.records.setdefault(found.new.exchange.exchange_id, record)
    return batch


def store_batch(tx: Transaction, batch: Batch) -> Stored:
    """Exchanges and gaps once, by their ids; then the pairs that the new exchanges complete.

    A leg whose comparison meets a fault of ours is stored, and its record joins `batch.refused`.
    """
    new = tx.exchanges.add_all([read.new for read in batch.read])
    gaps = tx.gaps.add(batch.gaps)
    pairs = tx.pairs.add_all(list(_pairs(tx, batch, new)))
    return Stored(new, gaps, pairs)


def _pairs(tx: Transaction, batch: Batch, new: Sequence[NewExchange]) -> Iterator[Pair]:
    legs = {read.leg.exchange.exchange_id: read.leg for read in batch.read if read.leg is not None}
    arrived = [legs[each.exchange.exchange_id] for each in new if each.exchange.exchange_id in legs]
    keys = tx.exchanges.keys_of_pairs(
        {leg.exchange.pair_id for leg in arrived if leg.exchange.pair_id is not None}
    )
    meetings = [
        (leg, other)
        for leg in arrived
        if leg.exchange.pair_id is not None
        for other in _others(leg, keys.get(leg.exchange.pair_id, []))
    ]
    missing = {other for _, other in meetings if other not in legs}
    legs |= {each.exchange.exchange_id: stored_leg(each) for each in tx.exchanges.with_payload(missing)}
    stable = _stable_releases(tx)
    met: set[frozenset[str]] = set()
    for leg, other in meetings:
        both = frozenset((leg.exchange.exchange_id, other))
        if both in met or other not in legs:
            continue
        met.add(both)
        try:
            pair = pair_up(leg, legs[other], stable=stable(leg))
        except Exception as error:  # noqa: BLE001  (a fault of ours must not stop what comes after)
            record = batch.records[leg.exchange.exchange_id]
            batch.refused.append(Refusal(record, "fault", type(error).__name__))
            continue
        if pair is not None:
            yield pair


def _others(leg: Leg, keys: Sequence[LegKey]) -> list[str]:
    """The exchange ids of the legs that the leg may pair with.

    None where two live legs carry the pair id: a client used its request id again, and nobody knows which copy is
    whose.
    """
    if leg.exchange.role is ExchangeRole.PROBE or sum(key.role in _LIVE for key in keys) > 1:
        return []
    return [
        key.exchange_id
        for key in keys
        if key.exchange_id != leg.exchange.exchange_id and key.role is not ExchangeRole.PROBE
    ]


def _stable_releases(tx: Transaction) -> Callable[[Leg], str | None]:
    """Which release was stable when a leg's request came; asked once for each generation."""
    known: dict[tuple[str, int], str | None] = {}

    def stable(leg: Leg) -> str | None:
        key = (leg.exchange.deployment, leg.exchange.generation)
        if key not in known:
            known[key] = stable_at(tx.deployments.promotions(key[0]), key[1])
        return known[key]

    return stable
