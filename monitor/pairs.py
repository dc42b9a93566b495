"""Two scored legs of one request become a pair.

All legs of one request share its pair id: one live leg, and a shadow leg for each release that got a copy. A pair is
stable's leg beside one other. Stable answers the user and each shadow is compared with it; in a canary the candidate
answers the user, and it is compared with stable's shadow leg, as is every further shadow. Two releases of which
neither is stable are never compared.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from aftertune.store.deployments import Promotion
from aftertune.values.exchange import Exchange, ExchangeError, ExchangeRole, ToolCall
from aftertune.values.pair import AnswerScores, Pair
from monitor.answers import GENERATIVE, Answer
from monitor.arguments import canonical
from monitor.scores import request_was_refused

_LIVE = (ExchangeRole.STABLE, ExchangeRole.CANARY)


@dataclass(frozen=True, slots=True)
class Leg:
    exchange: Exchange
    answer: Answer
    scores: AnswerScores


@dataclass(frozen=True, slots=True)
class Agreement:
    """Each in [0, 1]; None where it does not apply. `overall` is 0 or 1 where either leg called a tool."""

    same_tool: float | None
    same_arguments: float | None
    text_similarity: float | None
    overall: float


def pair_up(one: Leg, other: Leg, *, stable: str | None = None) -> Pair | None:
    """The pair of two legs of one request; None when the two are no evidence about their releases.

    `stable` is the release that was stable when the request came (see `stable_at`); None where nobody knows: a live
    leg's role then tells which of the two is stable's. No evidence: neither leg is stable's, both are live, the same
    release answered twice, the client left (its answer is cut), both engines called the request wrong, or no model
    wrote the answers (embeddings, tokens).
    """
    if not _belong_together(one.exchange, other.exchange):
        return None
    first = _stables(one, other, stable)
    if first is None:
        return None
    second = other if first is one else one
    agreement = compare(first.answer, second.answer)
    copy = second if second.exchange.role is ExchangeRole.SHADOW else first
    asked = (_live(one, other) or first).exchange
    return Pair(
        pair_id=copy.exchange.exchange_id,
        deployment=asked.deployment,
        generation=asked.generation,
        stable_release=first.exchange.release,
        candidate_release=second.exchange.release,
        stable_exchange=first.exchange.exchange_id,
        candidate_exchange=second.exchange.exchange_id,
        conversation=asked.conversation,
        at=max(first.exchange.ended, second.exchange.ended),
        stable=first.scores,
        candidate=second.scores,
        same_tool=agreement.same_tool,
        same_arguments=agreement.same_arguments,
        text_similarity=agreement.text_similarity,
        agreement=agreement.overall,
    )


def stable_at(promotions: Iterable[Promotion], generation: int) -> str | None:
    """The stable release of a generation; None for one that no routing table ever had (an outside log's)."""
    until = [promotion for promotion in promotions if promotion.generation <= generation]
    return max(until, key=lambda promotion: promotion.generation).release if until else None


def compare(one: Answer, other: Answer) -> Agreement:
    """Same tools with the same arguments, in any order, where either called one; else similarity of the texts."""
    if one.tool_calls or other.tool_calls:
        same_tool = float(_names(one.tool_calls) == _names(other.tool_calls))
        same_arguments = float(_calls(one.tool_calls) == _calls(other.tool_calls))
        return Agreement(same_tool, same_arguments, None, same_arguments)
    similarity = _similarity(one.text, other.text)
    return Agreement(None, None, similarity, similarity)


def _belong_together(one: Exchange, other: Exchange) -> bool:
    roles = (one.role, other.role)
    return (
        ExchangeRole.PROBE not in roles
        and ExchangeRole.SHADOW in roles
        and one.pair_id == other.pair_id is not None
        and one.deployment == other.deployment
        and one.release != other.release
        and ExchangeError.CLIENT_LEFT not in (one.error, other.error)
        and one.endpoint == other.endpoint in GENERATIVE
        and not (request_was_refused(one) and request_was_refused(other))
    )


def _stables(one: Leg, other: Leg, stable: str | None) -> Leg | None:
    """The leg of the two that is stable's; where its release is not known, a canary's copy is taken for it."""
    live = _live(one, other)
    if live is not None and live.exchange.role is ExchangeRole.STABLE:
        return live
    copies = [leg for leg in (one, other) if leg is not live]
    if stable is None:
        return copies[0] if live is not None else None
    return next((leg for leg in copies if leg.exchange.release == stable), None)


def _live(one: Leg, other: Leg) -> Leg | None:
    return next((leg for leg in (one, other) if leg.exchange.role in _LIVE), None)


def _names(calls: Sequence[ToolCall]) -> Counter[str]:
    return Counter(call.name for call in calls)


def _calls(calls: Sequence[ToolCall]) -> Counter[tuple[str, str]]:
    return Counter((call.name, canonical(call.arguments)) for call in calls)


def _similarity(one: str, other: str) -> float:
    """Token-sort ratio (rapidfuzz) of the casefolded, whitespace-normalised texts; 1 when these are identical."""
    a, b = (" ".join(text.casefold().split()) for text in (one, other))
    return 1.0 if a == b else min(1.0, fuzz.token_sort_ratio(a, b) / 100)
