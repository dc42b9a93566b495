"""Where an answer goes: a client's connection, or somebody within who asked for it."""

from collections.abc import Sequence
from typing import Protocol

from serving.wire.server import Answering


class Reply(Protocol):
    """`serving.wire.server.Connection` is one. `headers` are whole lines, without the one that ends the head."""

    def answering(self, answering: Answering) -> None: ...

    def respond(self, status: int, headers: bytes, body: bytes) -> None: ...

    def begin(self, status: int, headers: bytes, length: int | None, first: Sequence[bytes] = ()) -> None: ...

    def send(self, pieces: Sequence[bytes]) -> None: ...

    def end(self, last: Sequence[bytes] = ()) -> None: ...

    def abort(self) -> None: ...
