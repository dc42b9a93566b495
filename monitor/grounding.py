"""Whether a tool call's values were said by the user or by a tool, or made up.

A string counts as said when it occurs in one message, ignoring case and the amount of white space, and not as
part of a longer word. A number counts when an equal number is written in one message (`1,250` is 1250; a unit may
follow without a space). Booleans, null and empty strings claim nothing.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from aftertune.values.exchange import ToolCall
from monitor.arguments import parse_arguments

_NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\d)", re.ASCII)


def grounded_share(calls: Sequence[ToolCall], heard: Sequence[str]) -> float | None:
    """Share of the calls whose every value was said; None when no call was made."""
    if not calls:
        return None
    said = _Said(heard)
    return sum(_grounded(call, said) for call in calls) / len(calls)


class _Said:
    def __init__(self, heard: Sequence[str]) -> None:
        self._texts = tuple(_normalised(text) for text in heard)
        self._numbers = {
            float(match.group().replace(",", "")) for text in heard for match in _NUMBER.finditer(text)
        }

    def has(self, value: str | float) -> bool:
        if isinstance(value, str):
            words = _normalised(value)
            return any(_occurs(words, text) for text in self._texts)
        return value in self._numbers


def _grounded(call: ToolCall, said: _Said) -> bool:
    arguments = parse_arguments(call.arguments)
    return arguments is not None and all(said.has(value) for value in _claims(arguments))


def _claims(root: Any) -> Iterator[str | float]:
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, bool) or value is None:
            continue
        elif not isinstance(value, str) or value.strip():
            yield value


def _normalised(text: str) -> str:
    return " ".join(text.casefold().split())


def _occurs(words: str, text: str) -> bool:
    """Not as part of a longer word. No regular expression: compiling one for each value took a sixth of ingest."""
    start = text.find(words)
    while start >= 0:
        end = start + len(words)
        inside = start > 0 and _in_word(text[start - 1]) and _in_word(words[0])
        if not inside and not (end < len(text) and _in_word(text[end]) and _in_word(words[-1])):
            return True
        start = text.find(words, start + 1)
    return False


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
