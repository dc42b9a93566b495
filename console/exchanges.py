"""Logged requests and the pairs they formed."""

from datetime import datetime

from aftertune.errors import NotFound
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.exchange import Endpoint, ExchangeError, ExchangeRole, Usage
from aftertune.values.pair import AnswerScores, Pair
from aftertune.values.value import Value
from console.access import CallerOf, ContextOf, guarded_router, needs
from console.names import PathRequestId
from console.transcript import answer_text, prompt_text

router = guarded_router("exchanges")


class ExchangeView(Value):
    """One leg without its payload: of its tool calls only the names.

    Legs of one request share `pair_id`; the pair that a shadow leg makes has that leg's `exchange_id` for its id.
    """

    exchange_id: str
    request_id: str
    pair_id: str | None
    endpoint: Endpoint
    deployment: str
    release: str
    generation: int
    role: ExchangeRole
    conversation: str
    end_user: str
    tenant: str
    key: str
    router: str
    arrival: datetime
    first_byte: datetime | None
    last_byte: datetime | None
    stream: bool
    status: int
    error: ExchangeError | None
    finish: str | None
    usage: Usage | None
    tools: tuple[str, ...]
    scores: AnswerScores | None


class PairText(Value):
    """What was asked and what both releases answered; None where the capture policy kept nothing."""

    pair: Pair
    prompt: str | None
    stable_answer: str | None
    candidate_answer: str | None


@router.get("/v1/exchanges/{request_id:path}", dependencies=[needs(Permission.READ)])
def get_exchange(request_id: PathRequestId, context: ContextOf) -> list[ExchangeView]:
    """Every leg of one request."""
    with context.store.read() as tx:
        legs = tx.exchanges.by_request(request_id)
        if not legs:
            raise NotFound("exchange with request id", request_id)
        return [
            ExchangeView(
                **leg.model_dump(include=set(ExchangeView.model_fields)),
                tools=tuple(call.name for call in leg.tool_calls),
                scores=tx.exchanges.scores(leg.exchange_id),
            )
            for leg in legs
        ]


@router.get("/v1/pairs/{pair_id:path}", dependencies=[needs(Permission.READ_PAYLOAD)])
def get_pair(pair_id: PathRequestId, context: ContextOf, caller: CallerOf) -> PairText:
    """Both payloads, decoded. Who read them is written into the audit log."""
    with context.store.write() as tx:
        pair = tx.pairs.get(pair_id)
        tx.audit.append(context.clock.now(), caller.name, "read_payload", pair_id)
        return pair_text(tx, pair)


def pair_text(tx: Transaction, pair: Pair) -> PairText:
    stable = tx.exchanges.payload(pair.stable_exchange)
    candidate = tx.exchanges.payload(pair.candidate_exchange)
    asked = next((payload.request for payload in (stable, candidate) if payload and payload.request), None)
    return PairText(
        pair=pair,
        prompt=prompt_text(asked) if asked else None,
        stable_answer=answer_text(stable.answer) if stable and stable.answer else None,
        candidate_answer=answer_text(candidate.answer) if candidate and candidate.answer else None,
    )
