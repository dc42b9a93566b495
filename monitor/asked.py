"""What a request asked: the tools it offered and what its users and tools had said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from aftertune.values.exchange import Endpoint
from monitor.body import decoded, items, mapping

_SPEAKERS = frozenset({"user", "tool"})
_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
"""Fields of a Responses request that name text which the engine keeps and the request does not carry."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`tools` maps each offered tool to its parameters' JSON Schema, as bytes; empty bytes: none was given.

    `heard` is None where part of the conversation is not in the request: nobody can say what was never said.
    """

    tools: Mapping[str, bytes] = field(default_factory=dict)
    heard: tuple[str, ...] | None = ()


def read_request(raw: bytes, endpoint: Endpoint = Endpoint.CHAT) -> Asked:
    """Never raises: what cannot be read was not asked."""
    body = decoded(raw)
    if body is None:
        return Asked()
    match endpoint:
        case Endpoint.COMPLETIONS:
            return Asked(heard=tuple(_texts(body.get("prompt"))))
        case Endpoint.RESPONSES:
            elsewhere = any(body.get(name) for name in _ELSEWHERE)
            heard = None if elsewhere else tuple(_heard_input(body.get("input")))
            return Asked(_flat_tools(body.get("tools")), heard)
        case _:
            return Asked(_tools(body.get("tools")), tuple(_heard(body.get("messages"))))


def _tools(value: object) -> dict[str, bytes]:
    return dict(_offered(mapping(item).get("function") for item in items(value)))


def _flat_tools(value: object) -> dict[str, bytes]:
    return dict(_offered(item for item in items(value) if mapping(item).get("type") == "function"))


def _offered(functions: Iterator[Any]) -> Iterator[tuple[str, bytes]]:
    for function in map(mapping, functions):
        if isinstance(function.get("name"), str):
            schema = function.get("parameters")
            yield function["name"], orjson.dumps(schema) if isinstance(schema, dict) else b""


def _heard(value: object) -> Iterator[str]:
    for message in map(mapping, items(value)):
        if message.get("role") in _SPEAKERS:
            yield from _texts(message.get("content"))


def _heard_input(value: object) -> Iterator[str]:
    """Texts of users and outputs of tools; a plain string is what the user says."""
    if isinstance(value, str):
        yield value
    for item in map(mapping, items(value)):
        if item.get("role") in _SPEAKERS:
            yield from _texts(item.get("content"))
        elif item.get("type") == "function_call_output":
            yield from _texts(item.get("output"))


def _texts(content: Any) -> Iterator[str]:
    """A string, strings, or the texts of content parts."""
    if isinstance(content, str):
        yield content
    for part in items(content):
        text = part if isinstance(part, str) else mapping(part).get("text")
        if isinstance(text, str):
            yield text
