"""An encoder that gives the vectors it was told to, and counts how often it is asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from aftertune.errors import Unavailable
from aftertune.values.evaluation import Answer, Loss


class Encoder:
    """An AsyncEngine that only embeds. Raises `away` where it was given one."""

    def __init__(self, vectors: Mapping[str, Sequence[float]], away: Unavailable | None = None) -> None:
        self._vectors = vectors
        self.away = away
        self.asked: list[tuple[str, ...]] = []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked.append(tuple(texts))
        if self.away:
            raise self.away
        return [list(self._vectors[text]) for text in texts]

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        stream: bool = False,
        raw: bool = False,
        settings: Mapping[str, Any],
    ) -> Answer:
        raise NotImplementedError

    async def loss(self, text: str) -> Loss:
        raise NotImplementedError
