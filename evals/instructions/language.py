"""Which language an answer is in, by py3langid (langid's model), which is loaded by the first question."""

import threading
from collections.abc import Mapping
from typing import Any

_loading = threading.Lock()


def detected(text: str) -> str:
    """ISO 639-1 code of the likeliest language."""
    with _loading:
        import py3langid  # noqa: PLC0415  (its model takes a moment and is seldom asked)

        code, _ = py3langid.classify(text)
    return str(code)


def _response_language(answer: str, arguments: Mapping[str, Any]) -> bool:
    """A text without letters is in no language. Regional variants such as zh-cn are not told apart."""
    if not any(letter.isalpha() for letter in answer):
        return False
    return detected(answer) == str(arguments["language"]).lower().split("-")[0]


CHECKS = {"language:response_language": _response_language}
ARGUMENTS = {"language:response_language": ("language",)}
