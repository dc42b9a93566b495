"""The C upstream as an engine, stable or shadow: what it is told and what it counted."""

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from aftertune.errors import Unavailable
from benchmarks.router.places import BUILD, REST_CORE
from benchmarks.router.process import Program, free_port

START_S = 10.0
SETTLED_S = 0.4
"""An engine that was asked nothing for so long has seen all copies of a load."""


@dataclass(frozen=True)
class Counted:
    """Since the counters were reset. `connections` are those that brought a request for the first time; `pending` is now:
    requests neither answered in full nor given up by their clients.
    """

    requests: int
    answered: int
    streams: int
    chunks: int
    connections: int
    pending: int


class Engine:
    """Runs from enter to exit on one port; `kill` and `start` take it away and bring it back."""

    def __init__(self, program: Path, name: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = (str(program), str(self.port))
        self._log = BUILD / f"{name}.log"
        self._told: dict[str, int] = {}
        self.process: Program

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """As it was last told to be; its counters begin at 0."""
        self.process = Program(self._command, REST_CORE, self._log).__enter__()
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.tell(**self._told)
                return
            except httpx.TransportError:
                if time.monotonic() > deadline or not self.process.running:
                    raise Unavailable(f"The upstream does not start: {self.process.last_words()}") from None
                time.sleep(0.02)

    def kill(self) -> None:
        self.process.stop()

    def tell(self, **what: int) -> Counted:
        """Set delay_us, chunks, interval_us or step, for good."""
        self._told |= what
        return self._control(what)

    def counted(self) -> Counted:
        return self._control({})

    def reset(self) -> None:
        self._control({"reset": 1})

    def settled(self, deadline_s: float) -> Counted:
        """The counters, once no more requests come and none is pending; what they are at the deadline otherwise."""
        deadline = time.monotonic() + deadline_s
        before = self.counted()
        while time.monotonic() < deadline:
            time.sleep(SETTLED_S)
            now = self.counted()
            if now.requests == before.requests and now.pending == 0:
                return now
            before = now
        return before

    def _control(self, what: dict[str, int]) -> Counted:
        answer = httpx.get(f"{self.url}/control", params=what, timeout=5)
        return Counted(**answer.raise_for_status().json())
