"""What a release answers to fixed prompts, digested: two engines of one release agree, another release does not.

Greedy answers of one engine build repeat exactly; across engine kinds or hardware they need not, so a fingerprint
is taken from the very engine that serves and compared only with answers from it.
"""

import hashlib
from collections.abc import Mapping

import rfc8785

from aftertune.engine import ChatAnswer, ChatEngine

PROMPTS: tuple[str, ...] = (
    "Hello, who are you?",
    "What can you do for me?",
    "Create a task called check the pump seals with high priority.",
    "Tell me something about your day.",
)
MAX_TOKENS = 48


def probe_messages(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def answer_digest(answer: ChatAnswer) -> str:
    """SHA-256 over text and tool calls, in hexadecimal."""
    calls = [[call.name, call.arguments] for call in answer.tool_calls]
    return hashlib.sha256(rfc8785.dumps([answer.text, calls])).hexdigest()


def fingerprint(engine: ChatEngine, headers: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The digests of the answers to PROMPTS, in order. Raises Unavailable."""
    return tuple(
        answer_digest(engine.chat(probe_messages(prompt), max_tokens=MAX_TOKENS, headers=headers))
        for prompt in PROMPTS
    )
