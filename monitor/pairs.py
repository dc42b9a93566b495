"""Two scored legs of one request become a pair."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from aftertune.values.exchange import Exchange, ExchangeError, ExchangeRole, ToolCall
from aftertune.values.pair import AnswerScores, Pair
from monitor.answers import Answer
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


def pair_up(one: Leg, other: Leg) -> Pair | None:
    """The pair of a live leg and its shadow copy; None when the two are no evidence about their releases.

    That is so when both are live or both copies, when the same release answered twice, when the client left
    (its answer is cut), and when both engines called the request wrong.
    """
    legs = sorted((one, other), key=lambda leg: leg.exchange.role is ExchangeRole.SHADOW)
    live, copy = legs
    if not _belong_together(live.exchange, copy.exchange):
        return None
    stable, candidate = (live, copy) if live.exchange.role is ExchangeRole.STABLE else (copy, live)
    agreement = compare(stable.answer, candidate.answer)
    return Pair(
        pair_id=live.exchange.pair_id or live.exchange.request_id,
        deployment=live.exchange.deployment,
        generation=live.exchange.generation,
        stable_release=stable.exchange.release,
        candidate_release=candidate.exchange.release,
        stable_exchange=stable.exchange.exchange_id,
        candidate_exchange=candidate.exchange.exchange_id,
        conversation=live.exchange.conversation,
        at=max(live.exchange.ended, copy.exchange.ended),
        stable=stable.scores,
        candidate=candidate.scores,
        same_tool=agreement.same_tool,
        same_arguments=agreement.same_arguments,
        text_similarity=agreement.text_similarity,
        agreement=agreement.overall,
    )


def compare(one: Answer, other: Answer) -> Agreement:
    """Same tools with the same arguments, in any order, where either called one; else similarity of the texts."""
    if one.tool_calls or other.tool_calls:
        same_tool = float(_names(one.tool_calls) == _names(other.tool_calls))
        same_arguments = float(_calls(one.tool_calls) == _calls(other.tool_calls))
        return Agreement(same_tool, same_arguments, None, same_arguments)
    similarity = _similarity(one.text, other.text)
    return Agreement(None, None, similarity, similarity)


def _belong_together(live: Exchange, copy: Exchange) -> bool:
    return (
        live.role in _LIVE
        and copy.role is ExchangeRole.SHADOW
        and live.pair_id == copy.pair_id is not None
        and live.deployment == copy.deployment
        and live.release != copy.release
        and live.error is not ExchangeError.CLIENT_LEFT
        and not (request_was_refused(live) and request_was_refused(copy))
    )


def _names(calls: Sequence[ToolCall]) -> Counter[str]:
    return Counter(call.name for call in calls)


def _calls(calls: Sequence[ToolCall]) -> Counter[tuple[str, str]]:
    return Counter((call.name, canonical(call.arguments)) for call in calls)


def _similarity(one: str, other: str) -> float:
    """Token-sort ratio (rapidfuzz) of the casefolded, whitespace-normalised texts; 1 when these are identical."""
    a, b = (" ".join(text.casefold().split()) for text in (one, other))
    return 1.0 if a == b else min(1.0, fuzz.token_sort_ratio(a, b) / 100)
