"""A probe's answer, collected for a room of ours that asked by the admin port."""

import asyncio
from collections.abc import Sequence

from serving.wire.server import Answering


class ProbeReply:
    """Takes a client's place. `whole` is done when the answer is, and fails with ConnectionError if it is cut off."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pieces: list[bytes] = []
        self._answering: Answering | None = None

    def answering(self, answering: Answering) -> None:
        self._answering = answering

    def leave(self) -> None:
        """Who asked is gone."""
        if self._answering is not None and not self.whole.done():
            self._answering.client_left(cut=False)

    def respond(self, status: int, headers: bytes, body: bytes) -> None:
        self.begin(status, headers, len(body), (body,))
        self.end()

    def begin(self, status: int, headers: bytes, length: int | None, first: Sequence[bytes] = ()) -> None:
        self.status = status
        for line in headers.decode("latin-1").split("\r\n")[:-1]:
            name, _, value = line.partition(": ")
            self.headers.append((name, value))
        self._pieces += first

    def send(self, pieces: Sequence[bytes]) -> None:
        self._pieces += pieces

    def end(self, last: Sequence[bytes] = ()) -> None:
        self._pieces += last
        if not self.whole.done():
            self.whole.set_result(b"".join(self._pieces))

    def abort(self) -> None:
        if not self.whole.done():
            self.whole.set_exception(ConnectionError("the answer was cut off"))
