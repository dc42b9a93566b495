"""Puts a streamed chat answer together, line by line."""

import json
from collections.abc import Mapping
from typing import Any

from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from evals.engine.completion import NoCompletion, count_of, first_choice, text_of, tokens_of

DATA = b"data:"
DONE = b"[DONE]"
MOST_CALLS = 1_000
"""Tool calls of one answer; a stream that names more is refused."""


class AnswerStream:
    """`ended`: the stream said so. `tokens`: ids of what was generated, where the engine tells them."""

    def __init__(self) -> None:
        self.ended = False
        self.tokens: tuple[int, ...] = ()
        self._text: list[str] = []
        self._calls: dict[int, list[str]] = {}
        self._finish: str | None = None
        self._usage: Any = None
        self._first_s: float | None = None
        self._tokens: list[int] = []

    def add(self, line: bytes, at_s: float) -> None:
        """One line of the stream, `at_s` seconds after the request was sent. Raises ValueError for what is no event."""
        if not line.startswith(DATA):
            return
        data = line[len(DATA) :].strip()
        if data == DONE:
            self.ended = True
            self.tokens = tuple(self._tokens)
            return
        event = json.loads(data)
        if not isinstance(event, dict):
            raise NoCompletion("an event is no object")
        if "error" in event:
            raise NoCompletion("the engine reports an error")
        self._usage = event.get("usage") or self._usage
        choice = first_choice(event)
        if choice is not None:
            self._add_choice(choice, at_s)
            self._tokens += tokens_of(event)

    def answer(self) -> Answer:
        calls = (self._calls[index] for index in sorted(self._calls))
        return Answer(
            text=text_of("".join(self._text)),
            tool_calls=tuple(
                ToolCall(name=text_of(name), arguments=text_of("".join(pieces))) for name, *pieces in calls
            ),
            finish=self._finish,
            prompt_tokens=count_of(self._usage, "prompt_tokens"),
            completion_tokens=count_of(self._usage, "completion_tokens"),
            first_token_s=self._first_s,
        )

    def _add_choice(self, choice: Mapping[str, Any], at_s: float) -> None:
        finish = choice.get("finish_reason")
        self._finish = text_of(finish) if isinstance(finish, str) else self._finish
        delta = choice.get("delta")
        if not isinstance(delta, Mapping):
            return
        content, calls = delta.get("content"), delta.get("tool_calls")
        if isinstance(content, str) and content:
            self._text.append(content)
        for call in calls if isinstance(calls, list) else ():
            self._add_call(call)
        if self._first_s is None and (content or calls):
            self._first_s = at_s

    def _add_call(self, call: object) -> None:
        index = call.get("index") if isinstance(call, Mapping) else None
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(index, int) or not isinstance(function, Mapping):
            raise NoCompletion("a piece of a tool call has no index")
        pieces = self._calls.setdefault(index, [""])
        if len(self._calls) > MOST_CALLS:
            raise NoCompletion("there is no end of tool calls")
        name, arguments = function.get("name"), function.get("arguments")
        pieces[0] = name if isinstance(name, str) and name else pieces[0]
        if isinstance(arguments, str):
            pieces.append(arguments)
