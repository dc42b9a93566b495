"""The scores of one answer. Nothing here knows the right answer; every score can be recomputed from the payload."""

from aftertune.values.exchange import ExchangeError, ExchangeHeader
from aftertune.values.pair import AnswerScores
from monitor.answers import GENERATIVE, Answer
from monitor.arguments import parse_arguments
from monitor.asked import Asked, read_request
from monitor.grounding import grounded_share
from monitor.schema import fits

ENDED_BY_ITSELF = frozenset({"stop", "tool_calls", "function_call"})
"""Finish reasons of an answer that was not cut off (by length or by a filter)."""

TOOL_MARKUP = ("<tool_call>", "</tool_call>")
"""Left in the text, these are a tool call that the engine's parser could not read."""

REFUSALS = (
    "i can't help",
    "i cannot help",
    "i can't assist",
    "i cannot assist",
    "i can't do that",
    "i cannot do that",
    "i'm unable to",
    "i am unable to",
    "i'm not able to",
    "i am not able to",
    "i won't be able to",
)
"""An answer without a tool call that contains one of these, ignoring case, is a refusal."""


WAITED_S = 5.0
"""A client that left after so many seconds without a first byte has met an engine that hangs."""


def says_something(header: ExchangeHeader) -> bool:
    """False when the answer is no evidence about the release: the request was wrong (4xx), or the client left.

    Nor is one that no model wrote: embeddings and tokens.

    A client that leaves early or in mid-answer has its own reasons; one that waited for WAITED_S and got nothing
    is evidence of a failure, as no deadline of the router would ever see it.
    """
    if header.endpoint not in GENERATIVE or request_was_refused(header):
        return False
    return header.error is not ExchangeError.CLIENT_LEFT or _waited_in_vain(header)


def request_was_refused(header: ExchangeHeader) -> bool:
    """The engine called the request wrong. Busy (429) and slow (408) are the engine's own affair."""
    return 400 <= header.status < 500 and header.status not in {408, 429}


def score(request: bytes, answer: Answer, header: ExchangeHeader) -> AnswerScores:
    """Never raises, whatever the bytes are."""
    asked = read_request(request, header.endpoint)
    completed = float(_answered(header) and _is_whole(answer))
    well_formed = float(_is_well_formed(answer, asked))
    grounded = None if asked.heard is None else grounded_share(answer.tool_calls, asked.heard)
    return AnswerScores(
        completed=completed,
        well_formed=well_formed,
        grounded=grounded,
        valid_answer=completed * well_formed * (1.0 if grounded is None else grounded),
        refusal=float(_is_refusal(answer)),
        length=len(answer.text) + sum(len(call.arguments) for call in answer.tool_calls),
        latency_s=_latency_s(header),
    )


def score_unseen(header: ExchangeHeader) -> AnswerScores | None:
    """For a capture policy that keeps no payload: a failure shows in the header; nothing else can be judged."""
    if _answered(header):
        return None
    return AnswerScores(
        completed=0.0,
        well_formed=0.0,
        grounded=None,
        valid_answer=0.0,
        refusal=0.0,
        length=0,
        latency_s=_latency_s(header),
    )


def _answered(header: ExchangeHeader) -> bool:
    return header.status == 200 and header.error is None


def _waited_in_vain(header: ExchangeHeader) -> bool:
    return header.first_byte is None and (header.ended - header.arrival).total_seconds() >= WAITED_S


def _is_whole(answer: Answer) -> bool:
    not_empty = bool(answer.text.strip() or answer.tool_calls)
    return not answer.error and answer.finish in ENDED_BY_ITSELF and not_empty


def _is_well_formed(answer: Answer, asked: Asked) -> bool:
    if any(markup in answer.text for markup in TOOL_MARKUP):
        return False
    for call in answer.tool_calls:
        arguments = parse_arguments(call.arguments)
        if arguments is None or call.name not in asked.tools:
            return False
        if not fits(arguments, asked.tools[call.name]):
            return False
    return True


def _is_refusal(answer: Answer) -> bool:
    text = answer.text.casefold().replace("’", "'")
    return not answer.tool_calls and any(phrase in text for phrase in REFUSALS)


def _latency_s(header: ExchangeHeader) -> float | None:
    if header.last_byte is None:
        return None
    return max(0.0, (header.last_byte - header.arrival).total_seconds())
