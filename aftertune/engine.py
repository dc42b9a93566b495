"""The port to anything that speaks the OpenAI chat API: an engine, or the router in front of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from aftertune.errors import Unavailable
from aftertune.values.evaluation import Answer, Loss
from aftertune.values.exchange import ToolCall, Usage
from aftertune.values.value import Value


class ChatAnswer(Value):
    """An answer in full; release, generation and request id are set when a router gave it."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish: str | None = None
    usage: Usage | None = None
    release: str | None = None
    generation: int | None = None
    request_id: str | None = None


class ChatEngine(Protocol):
    """Answers one chat request. Raises Unavailable when no answer could be had."""

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        max_tokens: int = 256,
        headers: Mapping[str, str] | None = None,
    ) -> ChatAnswer: ...


class NoAnswer(Unavailable):
    """`can_pass`: whether the same request may succeed later; `retry_after_s`: when the engine said so itself."""

    def __init__(self, detail: str, *, can_pass: bool, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.can_pass = can_pass
        self.retry_after_s = retry_after_s


class AsyncEngine(Protocol):
    """What evaluation asks of an engine. Each call raises NoAnswer when no answer could be had.

    Nothing is tried again and nothing is limited here: that is the harness's.
    """

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        stream: bool = False,
        raw: bool = False,
        settings: Mapping[str, Any],
    ) -> Answer:
        """`settings`: max_tokens, temperature, seed and whatever else goes into the body as it is.

        `raw` asks for the text before the engine's tool parser; None in the answer where the engine does not tell.
        """
        ...

    async def loss(self, text: str) -> Loss:
        """Raises BadInput when the engine cannot tell how likely a given text is."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]: ...
