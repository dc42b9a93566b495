"""The arguments of a tool call: raw text that should be one JSON object."""

import json
import math
from typing import Any


def parse_arguments(text: str) -> dict[str, Any] | None:
    """None unless the text is a JSON object without duplicate keys, NaN or infinities."""
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def canonical(text: str) -> str:
    """Equal for two texts that are the same JSON object (1 is 1.0, order of keys free) or the same broken text."""
    value = parse_arguments(text)
    if value is None:
        return f"broken:{text}"
    try:
        return json.dumps(_plain(value), sort_keys=True)
    except RecursionError:
        return f"broken:{text}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key occurs twice")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is out of range")
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
