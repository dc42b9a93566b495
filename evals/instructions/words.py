"""Words that must be there, must not, or so often."""

import re
from collections.abc import Mapping
from typing import Any

from evals.instructions.relation import holds


def _count(word: str, answer: str) -> int:
    """As a word of its own, whatever its case."""
    return len(re.findall(rf"(?<!\w){re.escape(word)}(?!\w)", answer, re.IGNORECASE))


def _existence(answer: str, arguments: Mapping[str, Any]) -> bool:
    """Inside another word counts: the paper's check is a search for the text."""
    return all(str(word).lower() in answer.lower() for word in arguments["keywords"])


def _forbidden(answer: str, arguments: Mapping[str, Any]) -> bool:
    return all(_count(str(word), answer) == 0 for word in arguments["forbidden_words"])


def _frequency(answer: str, arguments: Mapping[str, Any]) -> bool:
    count = answer.lower().count(str(arguments["keyword"]).strip().lower())
    return holds(count, arguments, "relation", "frequency")


def _letter_frequency(answer: str, arguments: Mapping[str, Any]) -> bool:
    count = answer.lower().count(str(arguments["letter"]).strip().lower())
    return holds(count, arguments, "let_relation", "let_frequency")


CHECKS = {
    "keywords:existence": _existence,
    "keywords:forbidden_words": _forbidden,
    "keywords:frequency": _frequency,
    "keywords:letter_frequency": _letter_frequency,
}
ARGUMENTS = {
    "keywords:existence": ("keywords",),
    "keywords:forbidden_words": ("forbidden_words",),
    "keywords:frequency": ("keyword", "frequency"),
    "keywords:letter_frequency": ("letter", "let_frequency"),
}
