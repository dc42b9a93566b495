"""Bytes as they cross the wire, and headers as a router writes them."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from aftertune.values.exchange import ExchangeError, ExchangeHeader
from tests.aftertune import samples
from tests.aftertune.samples import AT

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "priority": {"enum": ["low", "high"]},
        "hours": {"type": "number"},
    },
    "required": ["title"],
    "additionalProperties": False,
}


def tool(name: str = "create_task", schema: Any = SCHEMA) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def call(name: str = "create_task", **arguments: Any) -> tuple[str, str]:
    return name, json.dumps(arguments)


def request(*said: str, tools: Sequence[dict[str, Any]] = ()) -> bytes:
    messages = [{"role": "user", "content": text} for text in said]
    return json.dumps({"model": "tasks", "messages": messages, "tools": list(tools)}).encode()


def completion(text: str | None = None, *calls: tuple[str, str], finish: str = "stop") -> bytes:
    tool_calls = [
        {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": text, "tool_calls": tool_calls}
    return json.dumps(
        {
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        }
    ).encode()


def event(**body: Any) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


def delta(finish: str | None = None, **piece: Any) -> bytes:
    return event(choices=[{"index": 0, "delta": piece, "finish_reason": finish}])


def stream(text: str, *calls: tuple[str, str], piece: int = 3) -> bytes:
    """A streamed answer; calls come in interleaved pieces of their arguments."""
    parts = [delta(role="assistant", content="")]
    parts += [delta(content=text[i : i + piece]) for i in range(0, len(text), piece)]
    for i, (name, _) in enumerate(calls):
        parts.append(
            delta(tool_calls=[{"index": i, "id": f"c{i}", "function": {"name": name, "arguments": ""}}])
        )
    for start in range(0, max((len(arguments) for _, arguments in calls), default=0), piece):
        for i, (_, arguments) in enumerate(calls):
            rest = {"index": i, "function": {"arguments": arguments[start : start + piece]}}
            parts.append(delta(tool_calls=[rest]))
    parts.append(delta("tool_calls" if calls else "stop"))
    parts.append(event(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3}))
    return b"".join([*parts, b"data: [DONE]\n\n"])


def header(exchange_id: str = "e1", second: float = 0.0, **changes: Any) -> ExchangeHeader:
    """`second`: when the request arrived, counted from the samples' moment; the answer takes half a second."""
    arrival = AT + timedelta(seconds=second)
    ended = arrival + timedelta(seconds=0.5)
    known = {"arrival": arrival, "first_byte": arrival, "last_byte": ended, "ended": ended}
    return samples.header(exchange_id, **(known | changes))


def failed(
    exchange_id: str = "e1", error: ExchangeError = ExchangeError.UNREACHABLE, **changes: Any
) -> ExchangeHeader:
    known: dict[str, Any] = {"status": 0, "error": error, "first_byte": None} | changes
    return header(exchange_id, **known)
