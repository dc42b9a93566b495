"""What an engine answered, read from the raw bytes of its HTTP body, JSON or server-sent events.

A broken answer is a described outcome, never an exception: engines are what is being watched here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from aftertune.values.exchange import Endpoint, ToolCall, Usage
from monitor.body import decoded, engine_error, events, is_stream, items, mapping, text_of, usage
from monitor.responses import read_response, read_response_events

GENERATIVE = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
"""Endpoints whose answers a model wrote; the others' answers say nothing about how a release answers."""

_DONE = b"[DONE]"
_EMPTY = "the answer is empty"
_NO_OBJECT = "the answer is not a JSON object"
_NO_EVENT = "an event of the stream is not a JSON object"


@dataclass(frozen=True, slots=True)
class Answer:
    """The first choice of one answer. `error` says what is wrong with the bytes; empty when nothing is.

    `finish` is in chat's words, whichever endpoint answered; embeddings and tokens have `usage` alone.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish: str | None = None
    usage: Usage | None = None
    error: str = ""


def read_answer(raw: bytes, endpoint: Endpoint = Endpoint.CHAT) -> Answer:
    """Reconstruct the message; a stream that breaks off keeps what came before. Never raises."""
    if not raw.strip():
        return Answer(error=_EMPTY)
    if is_stream(raw):
        return _read_stream(raw, endpoint)
    body = decoded(raw)
    error = _NO_OBJECT if body is None else engine_error(body)
    if body is None or error:
        return Answer(error=error)
    match endpoint:
        case Endpoint.RESPONSES:
            return Answer(**read_response(body)._asdict())
        case Endpoint.CHAT | Endpoint.COMPLETIONS:
            return _read_choices(body)
        case _:
            return Answer(usage=usage(body.get("usage")))


def _read_choices(body: Mapping[str, Any]) -> Answer:
    choice = _first_choice(body)
    if choice is None:
        return Answer(error="the answer has no choices")
    message = mapping(choice.get("message"))
    return Answer(
        text=text_of(message.get("content")) or text_of(choice.get("text")),
        tool_calls=tuple(_call(mapping(item)) for item in items(message.get("tool_calls"))),
        finish=text_of(choice.get("finish_reason")) or None,
        usage=usage(body.get("usage")),
    )


@dataclass(slots=True)
class _Message:
    """What the chunks of a stream add up to so far."""

    text: list[str] = field(default_factory=list)
    calls: dict[int, tuple[str, str]] = field(default_factory=dict)
    finish: str | None = None
    usage: Usage | None = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        self.usage = usage(chunk.get("usage")) or self.usage
        choice = _first_choice(chunk)
        if choice is None:
            return
        delta = mapping(choice.get("delta"))
        self.text.append(text_of(delta.get("content")) or text_of(choice.get("text")))
        for item in items(delta.get("tool_calls")):
            self._add_call(mapping(item))
        self.finish = text_of(choice.get("finish_reason")) or self.finish

    def _add_call(self, item: Mapping[str, Any]) -> None:
        call = _call(item)
        index = item.get("index")
        if not isinstance(index, int):
            # Some engines send each call whole and unnumbered: a name begins a new one.
            last = max(self.calls, default=-1)
            index = last + 1 if call.name or not self.calls else last
        name, arguments = self.calls.get(index, ("", ""))
        self.calls[index] = (name + call.name, arguments + call.arguments)

    def answer(self, error: str) -> Answer:
        calls = (self.calls[index] for index in sorted(self.calls))
        return Answer(
            text="".join(self.text),
            tool_calls=tuple(ToolCall(name=name, arguments=arguments) for name, arguments in calls),
            finish=self.finish,
            usage=self.usage,
            error=error,
        )


def _read_stream(raw: bytes, endpoint: Endpoint) -> Answer:
    chunks, error = _chunks(raw)
    if endpoint is Endpoint.RESPONSES:
        read = read_response_events(chunks)
        return Answer(**(read._asdict() | {"error": error or read.error}))
    message = _Message()
    for chunk in chunks:
        message.add(chunk)
    return message.answer(error)


def _chunks(raw: bytes) -> tuple[list[Mapping[str, Any]], str]:
    """The events before the stream's end or its first fault, and the fault; empty where there is none."""
    chunks: list[Mapping[str, Any]] = []
    for event in events(raw):
        if event == _DONE:
            break
        chunk = decoded(event)
        if chunk is None:
            return chunks, _NO_EVENT
        if error := engine_error(chunk):
            return chunks, error
        chunks.append(chunk)
    return chunks, ""


def _first_choice(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for item in items(body.get("choices")):
        choice = mapping(item)
        if choice.get("index", 0) == 0:
            return choice
    return None


def _call(item: Mapping[str, Any]) -> ToolCall:
    function = mapping(item.get("function"))
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        arguments = orjson.dumps(arguments).decode()
    return ToolCall(name=text_of(function.get("name")), arguments=text_of(arguments))
