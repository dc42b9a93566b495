"""The engine of a release, found anew whenever it is asked: it may have been started again somewhere else."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aftertune.engine import ChatAnswer, ChatEngine, OpenAIEngine
from aftertune.errors import Unavailable
from aftertune.store import Store
from aftertune.values.release import EngineState

EngineOf = Callable[[str], ChatEngine]
"""Release → its engine."""


class Engines:
    """Hands out the engines of releases that the store knows; close it to close their connections."""

    def __init__(self, store: Store, timeout_s: float) -> None:
        self._store = store
        self._timeout_s = timeout_s
        self._open: dict[tuple[str, str], OpenAIEngine] = {}
        self._opening = threading.Lock()

    def of(self, release: str) -> ChatEngine:
        return _Engine(self, release)

    def connection(self, release: str) -> ChatEngine:
        """Raises Unavailable while its engine is not ready."""
        with self._store.read() as tx:
            known, status = tx.releases.get(release), tx.releases.engine(release)
        if status is None or status.state is not EngineState.READY:
            raise Unavailable(f"The engine of {release} is {status.state if status else 'not running'}.")
        key = (status.url, known.served_name or release)
        with self._opening:
            if key not in self._open:
                self._open[key] = OpenAIEngine(*key, timeout_s=self._timeout_s)
            return self._open[key]

    def close(self) -> None:
        for engine in self._open.values():
            engine.close()


class _Engine:
    def __init__(self, engines: Engines, release: str) -> None:
        self._engines = engines
        self._release = release

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        max_tokens: int = 256,
        headers: Mapping[str, str] | None = None,
    ) -> ChatAnswer:
        engine = self._engines.connection(self._release)
        return engine.chat(messages, tools=tools, max_tokens=max_tokens, headers=headers)
