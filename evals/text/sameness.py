"""When two answers are the same: a named normalisation, so that a figure of consistency says what it counted."""

import json
import unicodedata
from collections.abc import Hashable

from aftertune.values.evaluation import Answer

NORMALISATION = "same:nfc-casefold-blanks+calls:json 1"


def sameness(answer: Answer) -> Hashable:
    """Equal for answers that count as the same.

    Of text neither case nor blanks nor the way a letter is composed make a difference; of a tool call neither the
    order of keys nor blanks between them. Arguments that are no JSON are compared as they are.
    """
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", answer.text).casefold())
    calls = tuple((call.name, _arguments(call.arguments)) for call in answer.tool_calls)
    return " ".join(text.split()), calls


def _arguments(said: str) -> str:
    try:
        return json.dumps(json.loads(said), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return said
