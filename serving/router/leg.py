"""One request at one engine, from its arrival to its record in the spool."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from aftertune.clock import Clock
from aftertune.values.exchange import CapturePolicy, ExchangeError, ExchangeHeader, ExchangeRole
from aftertune.values.route import Route, Target
from serving.router.metrics import Metrics
from serving.router.request import ChatRequest
from serving.router.spool import SpoolWriter

_CAPTURED = frozenset({CapturePolicy.FULL})
"""Policies that allow raw payload in the spool; `redacted` does not, as nothing here can redact."""


@dataclass(frozen=True)
class Recorder:
    """Where legs are written down."""

    router: str
    spool: SpoolWriter
    metrics: Metrics
    clock: Clock


class Leg:
    """Collects what the engine sends; `close` writes the record, once."""

    def __init__(
        self, recorder: Recorder, request: ChatRequest, route: Route, target: Target, role: ExchangeRole
    ) -> None:
        self._recorder = recorder
        self._request = request
        self._route = route
        self._target = target
        self._role = role
        self._captured = route.capture in _CAPTURED
        self._arrival = recorder.clock.now()
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._status = 0
        self._answer: list[bytes] = []
        self.closed = False

    def answered(self, status: int) -> None:
        """The head of the answer is there."""
        self._status = status

    def receive(self, piece: bytes) -> None:
        """The next bytes of the answer's body."""
        self._last = self._recorder.clock.now()
        self._first = self._first or self._last
        if self._captured:
            self._answer.append(piece)

    def close(self, error: ExchangeError | None, pair_id: str | None) -> None:
        """Record the exchange. Later calls do nothing: the first end of a leg is its end."""
        if self.closed:
            return
        self.closed = True
        if error is None and self._status >= 500:
            error = ExchangeError.ENGINE_ERROR
        header = self._header(self._recorder.clock.now(), error, pair_id)
        request = self._request.body if self._captured else b""
        self._recorder.spool.append(header, request, b"".join(self._answer))
        self._recorder.metrics.exchanged(header)

    def _header(self, ended: datetime, error: ExchangeError | None, pair_id: str | None) -> ExchangeHeader:
        request = self._request
        return ExchangeHeader(
            exchange_id=uuid4().hex,
            request_id=request.request_id,
            pair_id=pair_id,
            deployment=self._route.deployment,
            release=self._target.release,
            generation=self._route.generation,
            role=self._role,
            conversation=request.conversation.value,
            conversation_source=request.conversation.source,
            end_user=request.user.value,
            end_user_source=request.user.source,
            tenant=request.tenant.value,
            tenant_source=request.tenant.source,
            key=request.key,
            router=self._recorder.router,
            arrival=self._arrival,
            first_byte=self._first,
            last_byte=self._last,
            ended=ended,
            stream=request.stream,
            status=self._status,
            error=error,
            capture=self._route.capture,
        )
