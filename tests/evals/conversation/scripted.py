"""An engine that says what a test wrote down, and remembers what it was asked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aftertune.engine import AsyncEngine
from aftertune.values.evaluation import Answer, Loss
from aftertune.values.exchange import ToolCall


def calls(*made: tuple[str, Mapping[str, Any] | str], **more: Any) -> Answer:
    """An answer that makes these calls."""
    written = [(name, given if isinstance(given, str) else json.dumps(given)) for name, given in made]
    return Answer(tool_calls=tuple(ToolCall(name=name, arguments=given) for name, given in written), **more)


def words(text: str = "TaskMaster here.", **more: Any) -> Answer:
    return Answer(text=text, **more)


class Scripted(AsyncEngine):
    """Gives its answers one after the other, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[list[Mapping[str, Any]]] = []

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        stream: bool = False,
        raw: bool = False,
        settings: Mapping[str, Any],
    ) -> Answer:
        self.asked.append(list(messages))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def loss(self, text: str) -> Loss:
        raise NotImplementedError

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise NotImplementedError
