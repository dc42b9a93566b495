"""Answers of the Responses API: output items instead of choices, typed events instead of deltas of one message."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aftertune.values.exchange import ToolCall, Usage
from monitor.body import engine_error, items, mapping, text_of, usage

_CUT = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""Why an answer is incomplete, in the words of chat's finish reasons."""

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_BROKEN = frozenset({"failed", "cancelled"})


class Response(NamedTuple):
    """What one response says; `finish` is in chat's words, None while it has not ended."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish: str | None
    usage: Usage | None
    error: str


def read_response(body: Mapping[str, Any]) -> Response:
    """Never raises. Reasoning is no part of the text."""
    output = body.get("output")
    if not isinstance(output, list):
        return Response("", (), None, None, "the answer has no output")
    return _response(body, [mapping(item) for item in output])


def read_response_events(events: Iterable[Mapping[str, Any]]) -> Response:
    """Never raises; a stream that breaks off keeps what came before."""
    stream = _Stream()
    for event in events:
        stream.add(event)
    return stream.response()


@dataclass(slots=True)
class _Item:
    """One output item, as far as its events have told."""

    kind: str = ""
    name: str = ""
    text: list[str] = field(default_factory=list)
    whole: Mapping[str, Any] | None = None

    def as_sent(self) -> Mapping[str, Any]:
        if self.whole is not None:
            return self.whole
        text = "".join(self.text)
        if self.kind == "function_call":
            return {"type": self.kind, "name": self.name, "arguments": text}
        return {"type": self.kind, "content": [{"type": "output_text", "text": text}]}


@dataclass(slots=True)
class _Stream:
    items: dict[int, _Item] = field(default_factory=dict)
    ended: Mapping[str, Any] = field(default_factory=dict)

    def add(self, event: Mapping[str, Any]) -> None:
        kind = text_of(event.get("type"))
        if kind in _ENDS:
            self.ended = mapping(event.get("response"))
            return
        index = event.get("output_index")
        if not isinstance(index, int):
            return
        item = self.items.setdefault(index, _Item())
        match kind:
            case "response.output_item.added":
                added = mapping(event.get("item"))
                item.kind, item.name = text_of(added.get("type")), text_of(added.get("name"))
            case "response.output_item.done":
                item.whole = mapping(event.get("item"))
            case "response.output_text.delta" | "response.refusal.delta":
                item.kind = "message"
                item.text.append(text_of(event.get("delta")))
            case "response.function_call_arguments.delta":
                item.kind = "function_call"
                item.text.append(text_of(event.get("delta")))
            case "response.function_call_arguments.done":
                item.kind = "function_call"
                item.name = text_of(event.get("name")) or item.name
                item.text = [text_of(event.get("arguments"))]

    def response(self) -> Response:
        """The last event repeats the output; what came piece by piece stands in where it does not."""
        told = [self.items[index].as_sent() for index in sorted(self.items)]
        repeated = [mapping(item) for item in items(self.ended.get("output"))]
        return _response(self.ended, repeated or told)


def _response(body: Mapping[str, Any], output: list[Mapping[str, Any]]) -> Response:
    texts = "".join(_message(item) for item in output if item.get("type") == "message")
    calls = tuple(
        ToolCall(name=text_of(item.get("name")), arguments=text_of(item.get("arguments")))
        for item in output
        if item.get("type") == "function_call"
    )
    status = text_of(body.get("status"))
    error = engine_error(body) or (f"the response is {status}" if status in _BROKEN else "")
    finish = _finish(status, mapping(body.get("incomplete_details")), called=bool(calls))
    return Response(texts, calls, finish, usage(body.get("usage")), error)


def _message(item: Mapping[str, Any]) -> str:
    content = item.get("content")
    if isinstance(content, str):
        return content
    parts = (mapping(part) for part in items(content))
    return "".join(text_of(part.get("text")) or text_of(part.get("refusal")) for part in parts)


def _finish(status: str, incomplete: Mapping[str, Any], *, called: bool) -> str | None:
    if status == "completed":
        return "tool_calls" if called else "stop"
    if status == "incomplete":
        return _CUT.get(text_of(incomplete.get("reason")), "incomplete")
    return None
