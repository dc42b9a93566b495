"""Reads a chat completion. It is model output and an engine's: nothing in it is taken on trust."""

import json
from collections.abc import Mapping
from typing import Any

from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from aftertune.visible import mended


class NoCompletion(ValueError):
    """What was sent is no chat completion."""


def read_answer(told: Mapping[str, Any]) -> Answer:
    """Of the first choice. Raises NoCompletion when it is no chat completion."""
    choice = first_choice(told)
    message = None if choice is None else choice.get("message")
    if choice is None or not isinstance(message, Mapping):
        raise NoCompletion("it has no message")
    calls = message.get("tool_calls") or ()
    if not isinstance(calls, list | tuple):
        raise NoCompletion("its tool calls are no list")
    usage = told.get("usage")
    return Answer(
        text=text_of(message.get("content")),
        tool_calls=tuple(call_of(call) for call in calls),
        finish=_finish(choice),
        prompt_tokens=count_of(usage, "prompt_tokens"),
        completion_tokens=count_of(usage, "completion_tokens"),
    )


def tokens_of(told: Mapping[str, Any]) -> tuple[int, ...]:
    """The ids of the generated tokens, where the engine tells them."""
    choice = first_choice(told)
    found = None if choice is None else choice.get("token_ids")
    return tuple(each for each in found if isinstance(each, int)) if isinstance(found, list) else ()


def first_choice(told: Mapping[str, Any]) -> Mapping[str, Any] | None:
    choices = told.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else None


def call_of(call: object) -> ToolCall:
    """Raises NoCompletion when it has no function's name."""
    function = call.get("function") if isinstance(call, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(name, str):
        raise NoCompletion("a tool call names no function")
    arguments = function.get("arguments")
    # Some engines send an object where the protocol has its text.
    raw = arguments if isinstance(arguments, str) or arguments is None else json.dumps(arguments)
    return ToolCall(name=text_of(name), arguments=text_of(raw))


def text_of(value: object) -> str:
    """Text that every store and document can hold; what is no text is none."""
    return mended(value) if isinstance(value, str) else ""


def count_of(usage: object, name: str) -> int | None:
    found = usage.get(name) if isinstance(usage, Mapping) else None
    return found if isinstance(found, int) and found >= 0 else None


def _finish(choice: Mapping[str, Any]) -> str | None:
    finish = choice.get("finish_reason")
    return text_of(finish) if isinstance(finish, str) else None
