"""What an engine answered, read from the raw bytes of its HTTP body, JSON or server-sent events.

A broken answer is a described outcome, never an exception: engines are what is being watched here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import ValidationError

from aftertune.values.exchange import ToolCall, Usage

_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Answer:
    """The first choice of one answer. `error` says what is wrong with the bytes; empty when nothing is."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish: str | None = None
    usage: Usage | None = None
    error: str = ""


def read_answer(raw: bytes) -> Answer:
    """Reconstruct the message; a stream that breaks off keeps what came before. Never raises."""
    if not raw.strip():
        return Answer(error="the answer is empty")
    if raw.lstrip().startswith((b"data:", b"event:", b"id:", b"retry:", b":")):
        return _read_stream(raw)
    return _read_completion(raw)


def _read_completion(raw: bytes) -> Answer:
    body = _decoded(raw)
    if body is None:
        return Answer(error="the answer is not a JSON object")
    if error := _engine_error(body):
        return Answer(error=error)
    choice = _first_choice(body)
    if choice is None:
        return Answer(error="the answer has no choices")
    message = _mapping(choice.get("message"))
    return Answer(
        text=_text(message.get("content")),
        tool_calls=tuple(_call(_mapping(item)) for item in _list(message.get("tool_calls"))),
        finish=_text(choice.get("finish_reason")) or None,
        usage=_usage(body.get("usage")),
    )


@dataclass(slots=True)
class _Message:
    """What the chunks of a stream add up to so far."""

    text: list[str] = field(default_factory=list)
    calls: dict[int, tuple[str, str]] = field(default_factory=dict)
    finish: str | None = None
    usage: Usage | None = None
    error: str = ""

    def add(self, chunk: Mapping[str, Any]) -> None:
        self.usage = _usage(chunk.get("usage")) or self.usage
        choice = _first_choice(chunk)
        if choice is None:
            return
        delta = _mapping(choice.get("delta"))
        self.text.append(_text(delta.get("content")))
        for item in _list(delta.get("tool_calls")):
            self._add_call(_mapping(item))
        self.finish = _text(choice.get("finish_reason")) or self.finish

    def _add_call(self, item: Mapping[str, Any]) -> None:
        call = _call(item)
        index = item.get("index")
        if not isinstance(index, int):
            # Some engines send each call whole and unnumbered: a name begins a new one.
            last = max(self.calls, default=-1)
            index = last + 1 if call.name or not self.calls else last
        name, arguments = self.calls.get(index, ("", ""))
        self.calls[index] = (name + call.name, arguments + call.arguments)

    def answer(self) -> Answer:
        calls = (self.calls[index] for index in sorted(self.calls))
        return Answer(
            text="".join(self.text),
            tool_calls=tuple(ToolCall(name=name, arguments=arguments) for name, arguments in calls),
            finish=self.finish,
            usage=self.usage,
            error=self.error,
        )


def _read_stream(raw: bytes) -> Answer:
    message = _Message()
    for event in _events(raw):
        if event == _DONE:
            break
        chunk = _decoded(event)
        if chunk is None:
            message.error = "an event of the stream is not a JSON object"
            break
        if error := _engine_error(chunk):
            message.error = error
            break
        message.add(chunk)
    return message.answer()


def _events(raw: bytes) -> Iterator[bytes]:
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


def _decoded(raw: bytes) -> Mapping[str, Any] | None:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _engine_error(body: Mapping[str, Any]) -> str:
    if body.get("object") == "error":
        return f"the engine reports an error: {_text(body.get('message')) or 'without a message'}"
    error = body.get("error")
    if not error:
        return ""
    return f"the engine reports an error: {_text(_mapping(error).get('message')) or 'without a message'}"


def _first_choice(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for item in _list(body.get("choices")):
        choice = _mapping(item)
        if choice.get("index", 0) == 0:
            return choice
    return None


def _call(item: Mapping[str, Any]) -> ToolCall:
    function = _mapping(item.get("function"))
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        arguments = orjson.dumps(arguments).decode()
    return ToolCall(name=_text(function.get("name")), arguments=_text(arguments))


def _usage(value: object) -> Usage | None:
    counts = _mapping(value)
    try:
        return Usage(
            prompt_tokens=counts.get("prompt_tokens", -1),
            completion_tokens=counts.get("completion_tokens", -1),
        )
    except ValidationError:
        return None


def _text(value: object) -> str:
    """A string, or the text parts of a list of content parts."""
    if isinstance(value, list):
        return "".join(_text(_mapping(part).get("text")) for part in value)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
