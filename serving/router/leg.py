"""One request at one engine, from its arrival to its record in the spool."""

from collections.abc import Sequence
from datetime import UTC, datetime
from time import time

import orjson

from aftertune.capture import keeps_payload
from aftertune.values.exchange import Endpoint, ExchangeError, ExchangeRole
from aftertune.values.route import Route, Target
from serving.router.ids import new_id
from serving.router.limits import estimated_tokens, used_tokens
from serving.router.metrics import Metrics
from serving.router.request import ModelRequest
from serving.router.spool import SpoolWriter

_PLACES = 1024
"""Beginnings that are kept; routing tables come and go."""


_TAIL = 4
"""Last pieces of an answer that are kept whatever may be stored: usage stands there."""


class Recorder:
    """Where legs are written down."""

    def __init__(self, router: str, spool: SpoolWriter, metrics: Metrics) -> None:
        self.router = router
        self.spool = spool
        self.metrics = metrics
        self._places: dict[tuple[Endpoint, int, int, ExchangeRole], tuple[Route, Target, bytes]] = {}

    def place(self, endpoint: Endpoint, route: Route, target: Target, role: ExchangeRole) -> bytes:
        """The beginning of a header's JSON: what is the same for all legs at one place of one routing table."""
        key = (endpoint, id(route), id(target), role)
        known = self._places.get(key)
        if known is None:
            if len(self._places) >= _PLACES:
                self._places.clear()
            # The route and the target are kept with it: an id is not used again while its object lives.
            known = self._places[key] = (route, target, self._placed(endpoint, route, target, role))
        return known[2]

    def _placed(self, endpoint: Endpoint, route: Route, target: Target, role: ExchangeRole) -> bytes:
        return orjson.dumps(
            {
                "schema_version": 1,
                "endpoint": endpoint,
                "deployment": route.deployment,
                "release": target.release,
                "generation": route.generation,
                "role": role,
                "router": self.router,
                "capture": route.capture,
            }
        )[:-1]


class Leg:
    """Collects what the engine sends; `close` writes the record, once."""

    __slots__ = (
        "_answer",
        "_arrival",
        "_captured",
        "_first",
        "_last",
        "_recorder",
        "_role",
        "_route",
        "_target",
        "closed",
        "request",
        "size",
        "status",
    )

    def __init__(
        self, recorder: Recorder, request: ModelRequest, route: Route, target: Target, role: ExchangeRole
    ) -> None:
        self.request = request
        self.status = 0
        """Of the engine's answer; 0 until its head is there."""
        self.size = 0
        """Bytes of the answer's body so far."""
        self.closed = False
        self._recorder = recorder
        self._route = route
        self._target = target
        self._role = role
        self._captured = keeps_payload(route.capture)
        self._arrival = time()
        self._first = self._last = 0.0
        self._answer: list[bytes] = []

    def receive(self, pieces: Sequence[bytes]) -> None:
        """The next bytes of the answer's body."""
        if not pieces:
            return
        self._last = time()
        if not self._first:
            self._first = self._last
        for piece in pieces:
            self.size += len(piece)
        self._answer += pieces
        if not self._captured:
            del self._answer[:-_TAIL]

    def tail(self) -> bytes:
        """The last bytes of what was kept of the answer: where an engine reports its token counts."""
        return b"".join(self._answer[-_TAIL:])[-4096:]

    def tokens(self) -> int:
        """Prompt and completion tokens, as the engine reported them, else estimated."""
        used = used_tokens(self.tail())
        return estimated_tokens(len(self.request.body), self.size) if used is None else used

    def close(self, error: ExchangeError | None, pair_id: str | None) -> None:
        """Record the exchange. Later calls do nothing: the first end of a leg is its end."""
        if self.closed:
            return
        self.closed = True
        if error is None and self.status >= 500:
            error = ExchangeError.ENGINE_ERROR
        recorder = self._recorder
        header = self._header(error, pair_id)
        append = recorder.spool.append_later if self._role is ExchangeRole.SHADOW else recorder.spool.append
        append(header, self.request.body if self._captured else b"", self._answer if self._captured else ())
        recorder.metrics.exchanged(
            self._route.deployment,
            self._role,
            self.status,
            self._first - self._arrival if self._first else None,
            self._last - self._arrival if self._last else None,
        )

    def _header(self, error: ExchangeError | None, pair_id: str | None) -> bytes:
        """The JSON of an ExchangeHeader."""
        request = self.request
        said = {
            "exchange_id": new_id(),
            "request_id": request.request_id,
            "pair_id": pair_id,
            "trace_id": request.trace_id,
            "key": request.key,
            "arrival": _moment(self._arrival),
            "first_byte": _moment(self._first) if self._first else None,
            "last_byte": _moment(self._last) if self._last else None,
            "ended": _moment(time()),
            "stream": request.stream,
            "status": self.status,
            "error": error,
        }
        place = self._recorder.place(request.endpoint, self._route, self._target, self._role)
        return b"%b,%b,%b" % (place, request.names(self._route.capture), orjson.dumps(said)[1:])


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
