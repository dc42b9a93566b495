"""What one spool record says: an exchange with its scores and what of its payload may be kept, or a gap."""

from typing import NamedTuple, Protocol

from aftertune.capture import keeps_payload
from aftertune.spool import Kind, SpoolRecord
from aftertune.store.exchanges import NewExchange, Payload
from aftertune.values.exchange import CapturePolicy, Exchange, ExchangeHeader
from aftertune.values.gap import Gap
from monitor.answers import Answer, read_answer
from monitor.pairs import Leg
from monitor.scores import says_something, score, score_unseen


class Redaction(Protocol):
    def redact(self, body: bytes) -> bytes:
        """The body without what identifies people."""
        ...


class ReadExchange(NamedTuple):
    """`leg` is None where the payload is not kept: nothing is compared then."""

    new: NewExchange
    leg: Leg | None


class UnknownKind(ValueError):
    """The record was written by a newer version."""


def read(record: SpoolRecord, redaction: Redaction) -> ReadExchange | Gap:
    """Raises ValidationError where its header is not one that this version knows, UnknownKind."""
    if record.kind == Kind.GAP:
        return Gap.model_validate_json(record.header)
    if record.kind != Kind.EXCHANGE:
        raise UnknownKind
    header = ExchangeHeader.model_validate_json(record.header)
    counts = says_something(header)
    if not keeps_payload(header.capture):
        unseen = score_unseen(header) if counts else None
        return ReadExchange(NewExchange(_exchange(header, Answer()), None, unseen), None)
    answer = read_answer(record.answer, header.endpoint)
    # What is judged is what was answered; what is kept, and compared with another's, is what may be kept.
    scores = score(record.request, answer, header)
    payload = Payload(record.request, record.answer)
    if header.capture is CapturePolicy.REDACTED:
        payload = Payload(redaction.redact(record.request), redaction.redact(record.answer))
        answer = read_answer(payload.answer, header.endpoint)
    leg = Leg(_exchange(header, answer), answer, scores)
    return ReadExchange(NewExchange(leg.exchange, payload, scores if counts else None), leg)


def stored_leg(stored: NewExchange) -> Leg:
    """The leg of an exchange whose payload is stored, to be compared with another."""
    assert stored.payload is not None
    exchange = stored.exchange
    answer = read_answer(stored.payload.answer, exchange.endpoint)
    return Leg(exchange, answer, stored.scores or score(stored.payload.request, answer, exchange))


def _exchange(header: ExchangeHeader, answer: Answer) -> Exchange:
    return Exchange(
        **header.model_dump(include=set(ExchangeHeader.model_fields)),
        finish=answer.finish,
        usage=answer.usage,
        tool_calls=answer.tool_calls,
    )
