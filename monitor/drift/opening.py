"""A conversation's opening: what the user first asked and what was answered.

Later turns depend on the first ones, so a conversation that was counted turn by turn would weigh as many times as it
is long: only openings are observed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aftertune.store.exchanges import Payload
from aftertune.values.exchange import Endpoint, Exchange, ExchangeRole, Source
from monitor.answers import Answer, read_answer
from monitor.body import decoded, items

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
    messages = _messages(payload.request, exchange.endpoint)
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
        answer=_said(read_answer(payload.answer, exchange.endpoint)).strip()[:MOST_CHARACTERS]
        if stable
        else "",
    )


def _said(answer: Answer) -> str:
    calls = (f"{call.name} {call.arguments}" for call in answer.tool_calls)
    return "\n".join(part for part in (answer.text, *calls) if part.strip())


def _messages(raw: bytes, endpoint: Endpoint) -> list[Mapping[str, Any]]:
    """In chat's form: a prompt, or an input that is plain text, is one message of the user."""
    body = decoded(raw) or {}
    match endpoint:
        case Endpoint.CHAT:
            said = body.get("messages")
        case Endpoint.COMPLETIONS:
            said = body.get("prompt")
        case Endpoint.RESPONSES:
            said = body.get("input")
        case _:
            said = None
    if isinstance(said, str) and endpoint is not Endpoint.CHAT:
        said = [{"role": "user", "content": said}]
    earlier = [{"role": "assistant"}] if body.get("previous_response_id") else []
    return [*earlier, *(_as_chat(message) for message in items(said) if isinstance(message, dict))]


def _as_chat(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The responses API's items that only a later turn has carry no role."""
    return {"role": "tool"} if str(message.get("type")).startswith("function_call") else message


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))
