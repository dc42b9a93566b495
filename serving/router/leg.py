"""One request at one engine, from its arrival to its record in the spool."""

from collections.abc import Sequence
from typing import Final

from aftertune.values.exchange import ExchangeError, ExchangeRole
from serving.router.ids import new_id
from serving.router.limits import estimated_tokens, used_tokens
from serving.router.metrics import Metrics
from serving.router.moment import moment, now_us
from serving.router.place import Place, Places
from serving.router.request import ModelRequest
from serving.router.spool import SpoolWriter

_TAIL: Final = 4
"""Last pieces of an answer that are kept whatever may be stored: usage stands there."""
_SHADOW: Final = ExchangeRole.SHADOW
_ENGINE_ERROR: Final = ExchangeError.ENGINE_ERROR
_NULL: Final = b"null"


class Recorder:
    """Where legs are written down."""

    def __init__(self, router: str, spool: SpoolWriter, metrics: Metrics) -> None:
        self.spool = spool
        self.metrics = metrics
        self.places = Places(router)


class Leg:
    """Collects what the engine sends; `close` writes the record, once.

    `prepare` does what can be done of that while the engine thinks.
    """

    __slots__ = (
        "_answer",
        "_arrival",
        "_beginning",
        "_first",
        "_last",
        "_place",
        "_recorder",
        "_role",
        "closed",
        "request",
        "size",
        "status",
    )

    def __init__(self, recorder: Recorder, request: ModelRequest, place: Place, role: ExchangeRole) -> None:
        self.request = request
        self.status = 0
        """Of the engine's answer; 0 until its head is there."""
        self.size = 0
        """Bytes of the answer's body so far."""
        self.closed = False
        self._recorder = recorder
        self._place = place
        self._role = role
        self._arrival = now_us()
        self._first = self._last = 0
        self._answer: list[bytes] = []
        self._beginning = b""

    def prepare(self) -> None:
        """Put together what is known of the record before there is an answer. Once: later calls do nothing."""
        if self._beginning:
            return
        place = self._place
        # What is put in here has nothing that JSON would escape.
        self._beginning = b'%b,%b,"exchange_id":"%b","arrival":"%b"' % (
            place.beginning(self.request.endpoint, self._role),
            self.request.members(identified=place.identified),
            new_id().encode(),
            moment(self._arrival),
        )

    def receive(self, pieces: Sequence[bytes]) -> None:
        """The next bytes of the answer's body."""
        if not pieces:
            return
        self._last = now_us()
        if not self._first:
            self._first = self._last
        for piece in pieces:
            self.size += len(piece)
        self._answer += pieces
        if not self._place.captured:
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
            error = _ENGINE_ERROR
        recorder, place = self._recorder, self._place
        header = self._header(error, pair_id)
        request, answer = (self.request.body, self._answer) if place.captured else (b"", [])
        if self._role is _SHADOW:
            recorder.spool.append_later(header, request, answer)
        else:
            recorder.spool.append(header, request, answer)
        recorder.metrics.exchanged(
            place.deployment,
            self._role,
            self.status,
            (self._first - self._arrival) / 1e6 if self._first else None,
            (self._last - self._arrival) / 1e6 if self._last else None,
        )

    def _header(self, error: ExchangeError | None, pair_id: str | None) -> bytes:
        """The JSON of an ExchangeHeader."""
        self.prepare()
        first = _moment_or_null(self._first)
        return b'%b,"pair_id":%b,"first_byte":%b,"last_byte":%b,"ended":"%b","status":%d,"error":%b}' % (
            self._beginning,
            _quoted(pair_id),
            first,
            first if self._last == self._first else _moment_or_null(self._last),
            moment(now_us()),
            self.status,
            _quoted(error),
        )


def _quoted(word: str | None) -> bytes:
    return _NULL if word is None else b'"%b"' % word.encode()


def _moment_or_null(at_us: int) -> bytes:
    return b'"%b"' % moment(at_us) if at_us else _NULL
