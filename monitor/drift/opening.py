"""A conversation's opening: what the user first asked and what was answered.

Later turns depend on the first ones, so a conversation that was counted turn by turn would weigh as many times as it
is long: only openings are observed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from aftertune.store.exchanges import Payload
from aftertune.values.exchange import Exchange, ExchangeRole, Source
from monitor.answers import Answer, read_answer

MOST_CHARACTERS = 2_000
"""More of a text than an encoder reads."""

_LATER = frozenset({"assistant", "tool", "function"})


class PassedOver(StrEnum):
    """Why an exchange is not observed."""

    LATER_TURN = "later_turn"
    NO_TEXT = "no_text"
    BEHIND = "behind"


@dataclass(frozen=True)
class Opening:
    """`answer` is empty where stable did not answer in text; `conversation` where the client named none."""

    exchange_id: str
    conversation: str
    release: str
    prompt: str
    answer: str


def read_opening(exchange: Exchange, payload: Payload) -> Opening | PassedOver:
    """Never raises: what cannot be read has no text."""
    messages = _messages(payload.request)
    if any(message.get("role") in _LATER for message in messages):
        return PassedOver.LATER_TURN
    asked = [_text(message.get("content")) for message in messages if message.get("role") == "user"]
    if not asked or not asked[-1].strip():
        return PassedOver.NO_TEXT
    stable = exchange.role is ExchangeRole.STABLE and exchange.status == 200 and exchange.error is None
    return Opening(
        exchange_id=exchange.exchange_id,
        conversation="" if exchange.conversation_source is Source.FALLBACK else exchange.conversation,
        release=exchange.release,
        prompt=asked[-1].strip()[:MOST_CHARACTERS],
        answer=_said(read_answer(payload.answer)).strip()[:MOST_CHARACTERS] if stable else "",
    )


def _said(answer: Answer) -> str:
    calls = (f"{call.name} {call.arguments}" for call in answer.tool_calls)
    return "\n".join(part for part in (answer.text, *calls) if part.strip())


def _messages(raw: bytes) -> list[Mapping[str, Any]]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return []
    messages = body.get("messages") if isinstance(body, dict) else None
    return (
        [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
    )


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))
