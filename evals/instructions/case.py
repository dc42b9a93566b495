"""Capital and small letters. Only the case is looked at: whether the words are English, no rule can say reliably."""

import re
from collections.abc import Mapping
from typing import Any

from evals.instructions.relation import holds

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def _capital(answer: str, arguments: Mapping[str, Any]) -> bool:
    return answer.isupper()


def _lowercase(answer: str, arguments: Mapping[str, Any]) -> bool:
    return answer.islower()


def _capital_words(answer: str, arguments: Mapping[str, Any]) -> bool:
    count = sum(word.isupper() for word in _WORD.findall(answer))
    return holds(count, arguments, "capital_relation", "capital_frequency")


CHECKS = {
    "change_case:english_capital": _capital,
    "change_case:english_lowercase": _lowercase,
    "change_case:capital_word_frequency": _capital_words,
}
ARGUMENTS = {"change_case:capital_word_frequency": ("capital_frequency",)}
