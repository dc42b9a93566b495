"""Reading the arguments of a call: as JSON says, or as the leaderboard's decoder does."""

import json
from typing import Any


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is repeated")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_refused)
_LENIENT = json.JSONDecoder()


def strictly(text: str) -> dict[str, Any] | None:
    """None for what is no JSON object, or has a repeated key at any depth, or a number that JSON does not know."""
    return _read(_STRICT, text)


def leniently(text: str) -> dict[str, Any] | None:
    """None for what Python's json.loads does not read as an object; the last of repeated keys counts."""
    return _read(_LENIENT, text)


def _read(decoder: json.JSONDecoder, text: str) -> dict[str, Any] | None:
    try:
        arguments = decoder.decode(text)
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) else None
