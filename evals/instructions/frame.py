"""How an answer begins and ends, and what it is put together from."""

import re
from collections.abc import Mapping
from typing import Any

_SEPARATOR = re.compile(r"\*{6}")


def _end(answer: str, arguments: Mapping[str, Any]) -> bool:
    """Quotation marks around the whole answer are forgiven."""
    return answer.strip().strip('"').strip().lower().endswith(str(arguments["end_phrase"]).strip().lower())


def _quotation(answer: str, arguments: Mapping[str, Any]) -> bool:
    text = answer.strip()
    return len(text) > 1 and text.startswith('"') and text.endswith('"')


def _two_responses(answer: str, arguments: Mapping[str, Any]) -> bool:
    """Two different ones, six asterisks between them."""
    parts = [part.strip() for part in _SEPARATOR.split(answer)]
    if any(not part for part in parts[1:-1]):
        return False
    given = [part for part in parts if part]
    return len(given) == 2 and given[0] != given[1]


def _repeat(answer: str, arguments: Mapping[str, Any]) -> bool:
    return answer.strip().lower().startswith(str(arguments["prompt_to_repeat"]).strip().lower())


CHECKS = {
    "startend:end_checker": _end,
    "startend:quotation": _quotation,
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeat,
}
ARGUMENTS = {
    "startend:end_checker": ("end_phrase",),
    "combination:repeat_prompt": ("prompt_to_repeat",),
}
