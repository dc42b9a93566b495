"""JSON bodies and event streams as an engine may send them: read part by part, without ever raising."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from aftertune.values.exchange import Usage

_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")


def is_stream(raw: bytes) -> bool:
    """Server-sent events, not one JSON document."""
    return raw.lstrip().startswith(_FIELDS)


def events(raw: bytes) -> Iterator[bytes]:
    """The data of each server-sent event; one that is not ended by a blank line counts too."""
    lines: list[bytes] = []
    for line in raw.splitlines():
        if line.startswith(b"data:"):
            lines.append(line[5:].removeprefix(b" "))
        elif not line and lines:
            yield b"\n".join(lines)
            lines = []
    if lines:
        yield b"\n".join(lines)


def decoded(raw: bytes) -> Mapping[str, Any] | None:
    """The JSON object; None where the bytes are none."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def engine_error(body: Mapping[str, Any]) -> str:
    """What an error body says; empty where it is none."""
    if body.get("object") == "error" or body.get("type") == "error":
        return _reported(body)
    error = body.get("error")
    return _reported(mapping(error)) if error else ""


def usage(value: object) -> Usage | None:
    """Token counts under either API's names. An answer without generated tokens may leave their count out."""
    counts = mapping(value)
    prompt = counts.get("prompt_tokens", counts.get("input_tokens", -1))
    completion = counts.get("completion_tokens", counts.get("output_tokens", 0))
    try:
        return Usage(prompt_tokens=prompt, completion_tokens=completion or 0)
    except ValidationError:
        return None


def text_of(value: object) -> str:
    """A string, or the text parts of a list of content parts."""
    if isinstance(value, list):
        return "".join(text_of(mapping(part).get("text")) for part in value)
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _reported(error: Mapping[str, Any]) -> str:
    return f"the engine reports an error: {text_of(error.get('message')) or 'without a message'}"
