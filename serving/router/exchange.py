"""The live lane: one client's request at one engine, relayed as it comes and recorded before its last byte leaves.

Nothing of an answer is parsed here, unless the deployment wants its name in it. Until the first byte has gone to
the client another engine may be asked; afterwards never.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from typing import Final

from aftertune.headers import DROPPED_FIELDS, REQUEST_ID
from aftertune.values.exchange import ExchangeError, ExchangeRole
from aftertune.values.route import KeyGrant, Route, Target
from serving.router import engine_fault
from serving.router.answer import UNTOUCHED, Passing, Renamed, WholeEvents, is_done
from serving.router.circuit import Circuits, attempts, role_of
from serving.router.engine_fault import EngineFault
from serving.router.leg import Leg, Recorder
from serving.router.limits import Limits
from serving.router.mirror import Mirror
from serving.router.place import Place
from serving.router.policy import Decision
from serving.router.refusal import JSON, error_body, retry_headers
from serving.router.reply import Reply
from serving.router.request import ModelRequest
from serving.wire.client import Call, Fault, Pool
from serving.wire.head import HOP, Headers, travelling
from serving.wire.watch import Watch

HELD_BYTES: Final = 1_000_000
"""An answer that is no event stream is kept back up to this size, so that a broken one can still be an error."""
_NAMED: Final = 32
"""How many dropped fields a header names: a client chooses how many there are."""
_AWAY: Final = frozenset(
    {HTTPStatus.BAD_GATEWAY.value, HTTPStatus.SERVICE_UNAVAILABLE.value, HTTPStatus.GATEWAY_TIMEOUT.value}
)
"""Statuses by which something before the engine says that it is not there."""
_KEPT_BACK: Final = HOP | {b"set-cookie", REQUEST_ID.encode()}
_OURS: Final = b"x-aftertune-"
_REQUEST_ID: Final = REQUEST_ID.encode()
_PROBE: Final = ExchangeRole.PROBE


@dataclass(frozen=True)
class Bounds:
    """Seconds to an answer's first byte, between two pieces of it, for the whole answer; and its most bytes."""

    first_byte_s: float
    chunk_s: float
    total_s: float
    most_bytes: int


@dataclass(frozen=True)
class Lane:
    """What all live exchanges share."""

    pool: Pool
    watch: Watch
    mirror: Mirror
    recorder: Recorder
    limits: Limits
    circuits: Circuits
    bounds: Bounds


class Exchange:
    """From a request that was admitted to the end of its answer. The client's limits are given back at its end."""

    __slots__ = (
        "_attempts",
        "_begun",
        "_call",
        "_call_paused",
        "_decision",
        "_dropped",
        "_ends_at",
        "_events",
        "_grant",
        "_head",
        "_held",
        "_lane",
        "_leg",
        "_length",
        "_now",
        "_passing",
        "_place",
        "_probe",
        "_reply",
        "_request",
        "_route",
        "_target",
        "_url",
        "deadline",
    )

    def __init__(
        self,
        lane: Lane,
        request: ModelRequest,
        reply: Reply,
        route: Route,
        grant: KeyGrant,
        decision: Decision,
        *,
        probe: bool = False,
    ) -> None:
        """A probe takes a client's path, but is recorded as a probe and never mirrored."""
        self._lane = lane
        self._request = request
        self._reply = reply
        self._route = route
        self._grant = grant
        self._decision = decision
        self._probe = probe
        self._attempts = iter(attempts(route, decision, lane.circuits))
        self._call: Call | None = None
        self._begun = self._events = self._call_paused = False
        self._head: Headers = []
        self._held: list[bytes] = []
        self._length: int | None = None
        self._dropped: tuple[str, ...] = ()
        self._passing: Passing = UNTOUCHED
        self._now = lane.pool.time
        self.deadline = inf
        self._target, self._url = next(self._attempts)
        self._leg = self._new_leg()

    def start(self, now: float) -> None:
        """`now` is the loop's time."""
        self._ends_at = now + self._lane.bounds.total_s
        self._ask(now)
        self._lane.watch.add(self)
        self._reply.answering(self)

    # What the engine's side calls.

    def head(self, status: int, headers: Headers) -> None:
        circuit = self._lane.circuits.of(self._url)
        if status in _AWAY:
            circuit.failed(self._now())
            if (another := next(self._attempts, None)) is not None:
                self._abort()
                self._ask_another(*another)
                return
        else:
            circuit.succeeded()
        self._leg.status = status
        self._head = headers
        now = self._now()
        self.deadline = min(max(self.deadline, now + self._lane.bounds.chunk_s), self._ends_at)
        for name, value in headers:
            if name == b"content-type":
                self._events = value[:17].lower() == b"text/event-stream"
            elif name == b"content-length":
                self._length = int(value)
        if self._route.rename:
            self._passing = Renamed(self._target.served_name, self._route.deployment)
        elif self._events:
            self._passing = WholeEvents()

    def body(self, pieces: Sequence[bytes], complete: bool) -> None:
        leg = self._leg
        leg.receive(pieces)
        if leg.size > self._lane.bounds.most_bytes:
            self._abort()
            self._fail(engine_fault.TOO_LONG)
            return
        if self._events:
            pieces = self._passing.events(pieces, complete)
            if pieces and is_done(b"".join(pieces)):
                self._record(None)
        if complete:
            self._call = None
            self._record(None)
        self._relay(pieces, complete)
        if complete:
            self._leave()
        elif not self._call_paused:
            self.deadline = min(self._now() + self._lane.bounds.chunk_s, self._ends_at)

    def failed(self, fault: Fault) -> None:
        self._call = None
        if fault in (Fault.REFUSED, Fault.SILENT):
            self._lane.circuits.of(self._url).failed(self._now())
            if not self._begun and (another := next(self._attempts, None)) is not None:
                self._ask_another(*another)
                return
        self._fail(engine_fault.OF[fault])

    # What time and the client call.

    def expire(self, now: float) -> None:
        self._abort()
        if self._call_paused:
            self._fail(engine_fault.UNREAD)
        elif self._leg.status:
            self._fail(engine_fault.STALLED)
        else:
            self._lane.circuits.of(self._url).failed(now)
            self._fail(engine_fault.TIMEOUT)

    def client_left(self, *, cut: bool) -> None:
        """`cut`: it was us who closed, because the router stops and has waited long enough."""
        self._abort()
        self._leg.close(ExchangeError.TRUNCATED if cut else ExchangeError.CLIENT_LEFT, None)
        self._leave()

    def client_full(self) -> None:
        if self._call is not None:
            self._call.pause()
            self._call_paused = True
            self.deadline = self._ends_at

    def client_ready(self) -> None:
        self._call_paused = False
        if self._call is not None:
            self._call.resume()
            self.deadline = min(self._now() + self._lane.bounds.chunk_s, self._ends_at)

    # Within.

    def _new_leg(self) -> Leg:
        role = _PROBE if self._probe else role_of(self._decision, self._target)
        recorder = self._lane.recorder
        self._place = recorder.places.of(self._route, self._target)
        return Leg(recorder, self._request, self._place, role)

    def _ask(self, now: float) -> None:
        sent, self._dropped = self._request.bytes_for(self._target, self._url)
        self.deadline = min(now + self._lane.bounds.first_byte_s, self._ends_at)
        self._lane.circuits.of(self._url).asked(now)
        self._call = self._lane.pool.send(self._url, sent, self)
        self._leg.prepare()

    def _ask_another(self, target: Target, url: str) -> None:
        """The next engine. Where it is another release's, the record says that this one gave no answer."""
        left, self._target, self._url = self._target, target, url
        self._lane.recorder.metrics.retried(ExchangeError.UNREACHABLE)
        if target.release != left.release:
            self._leg.close(ExchangeError.UNREACHABLE, None)
            self._leg = self._new_leg()
        self._ask(self._now())

    def _relay(self, pieces: Sequence[bytes], complete: bool) -> None:
        if self._begun:
            if complete:
                self._reply.end(pieces)
            else:
                self._reply.send(pieces)
        elif not self._events:
            self._hold(pieces, complete)
        elif pieces or complete:
            self._begin(pieces)
            if complete:
                self._reply.end()

    def _hold(self, pieces: Sequence[bytes], complete: bool) -> None:
        self._held += pieces
        if complete:
            body = self._passing.body(b"".join(self._held))
            self._begun = True
            self._reply.respond(self._leg.status, self._headers(), body)
        elif self._leg.size > HELD_BYTES and not self._route.rename:
            self._begin(self._held)

    def _begin(self, pieces: Sequence[bytes]) -> None:
        self._begun = True
        length = None if self._route.rename else self._length
        self._reply.begin(self._leg.status, self._headers(), length, pieces)

    def _headers(self) -> bytes:
        return passed_on(self._head) + self._our_headers()

    def _our_headers(self) -> bytes:
        ours = answered_by(self._request.request_id, self._place)
        if self._dropped:
            names = ", ".join(name for name in self._dropped[:_NAMED] if _fits_a_header(name))
            ours += f"{DROPPED_FIELDS}: {names}\r\n".encode()
        return ours

    def _fail(self, why: EngineFault) -> None:
        """The answer will not be whole: say so as well as it still can be said."""
        was_whole = self._leg.closed
        self._record(why.error)
        error = error_body(why.status, why.error, why.what)
        if not self._begun:
            headers = JSON + retry_headers(why.status) + self._our_headers()
            self._reply.respond(why.status, headers, error)
        elif not self._events or self._length is not None:
            self._reply.abort()
        elif was_whole:
            self._reply.end()
        else:
            self._reply.end((b"data: " + error + b"\n\n",))
        self._leave()

    def _record(self, error: ExchangeError | None) -> None:
        """Offer the copies, then write the record, which says whether there is one."""
        if self._leg.closed:
            return
        copies = () if self._probe else self._decision.copies_beside(self._target)
        pair_id = self._lane.mirror.offer(self._request, self._route, copies) if copies else None
        self._leg.close(error, pair_id)

    def _abort(self) -> None:
        if self._call is not None:
            call, self._call = self._call, None
            call.abort()

    def _leave(self) -> None:
        self._lane.watch.forget(self)
        counts = self._grant.tokens_a_minute is not None
        self._lane.limits.leave(self._grant, self._leg.tokens() if counts else 0)


def answered_by(identity: str, place: Place) -> bytes:
    """The headers of ours that stand on every answer of an engine, as lines."""
    return b"%b: %b\r\n%b" % (_REQUEST_ID, identity.encode(), place.headers)


def passed_on(headers: Headers) -> bytes:
    """The engine's headers that travel on to the client, as lines."""
    return travelling(headers, _KEPT_BACK, _OURS)


def _fits_a_header(name: str) -> bool:
    return name.isprintable() and name.isascii() and len(name) <= 64
