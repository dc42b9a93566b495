"""What a request asked: the tools it offered and what its users and tools had said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

_SPEAKERS = frozenset({"user", "tool"})


@dataclass(frozen=True, slots=True)
class Asked:
    """`tools` maps each offered tool to its parameters' JSON Schema, as bytes; empty bytes: none was given."""

    tools: Mapping[str, bytes] = field(default_factory=dict)
    heard: tuple[str, ...] = ()


def read_request(raw: bytes) -> Asked:
    """Never raises: what cannot be read was not asked."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Asked()
    if not isinstance(body, dict):
        return Asked()
    return Asked(tools=_tools(body.get("tools")), heard=tuple(_heard(body.get("messages"))))


def _tools(value: object) -> dict[str, bytes]:
    tools: dict[str, bytes] = {}
    for item in value if isinstance(value, list) else ():
        function = item.get("function") if isinstance(item, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            schema = function.get("parameters")
            tools[function["name"]] = orjson.dumps(schema) if isinstance(schema, dict) else b""
    return tools


def _heard(value: object) -> list[str]:
    messages = value if isinstance(value, list) else []
    return [
        text
        for message in messages
        if isinstance(message, dict) and message.get("role") in _SPEAKERS
        for text in _texts(message.get("content"))
    ]


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    return [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
