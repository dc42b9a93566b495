"""The open port: its connections, their number, and how they end when the process does."""

import asyncio
import socket
from collections.abc import Callable

from serving.wire.request import Bounds
from serving.wire.server import Application, Connection
from serving.wire.watch import Watch

_IDLE_GRACE_S = 1.0
"""While draining, an idle connection stays open for so long: a request may be on its way."""
_LOOK_S = 0.02


class Listener:
    """Accepts on a bound socket from `start` to `drain`."""

    def __init__(
        self,
        application: Application,
        bounds: Bounds,
        watch: Watch,
        most: int,
        turned_away: Callable[[], None],
    ) -> None:
        self._application = application
        self._bounds = bounds
        self._watch = watch
        self._most = most
        self._turned_away = turned_away
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.draining = False

    def __len__(self) -> int:
        return len(self._connections)

    async def start(self, bound: socket.socket) -> None:
        """Takes the socket over."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, sock=bound, backlog=4096)

    def last_answers(self) -> None:
        """Each answer from now on is its connection's last."""
        self.draining = True
        for connection in self._connections:
            connection.draining = True

    def stop_accepting(self) -> None:
        """What is connected already is served on."""
        self.last_answers()
        if self._server is not None:
            self._server.close()

    async def drain(self, within_s: float) -> int:
        """Wait for the answers under way, then cut off what is left; how many those were."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while self._connections and (waited := loop.time() - began) < within_s:
            if waited >= min(_IDLE_GRACE_S, within_s):
                self._close_idle()
            await asyncio.sleep(_LOOK_S)
        left = list(self._connections)
        for connection in left:
            connection.cut()
        await asyncio.sleep(0)
        return len(left)

    def _close_idle(self) -> None:
        for connection in self._connections:
            if connection.idle and connection.opened:
                connection.transport.close()

    def _connection(self) -> asyncio.BaseProtocol:
        if len(self._connections) >= self._most:
            self._turned_away()
            return _TurnedAway()
        connection = Connection(self._application, self._bounds, self._watch, self._connections.discard)
        connection.draining = self.draining
        self._connections.add(connection)
        return connection


class _TurnedAway(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
