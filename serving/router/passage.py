"""A request that is passed to stable as it is, and whose answer is not recorded."""

from collections.abc import Sequence

from aftertune.values.route import KeyGrant, Route
from serving.router import engine_fault
from serving.router.engine_fault import EngineFault
from serving.router.exchange import Lane, answered_by, passed_on
from serving.router.refusal import JSON, error_body, retry_headers
from serving.router.reply import Reply
from serving.router.request import engine_headers, to_engine
from serving.wire.client import Call, Fault
from serving.wire.head import Headers
from serving.wire.request import Request


class Passage:
    """From the request to the end of its answer, relayed as it comes."""

    __slots__ = (
        "_begun",
        "_call",
        "_ends_at",
        "_grant",
        "_head",
        "_lane",
        "_ours",
        "_reply",
        "_request",
        "_status",
        "_url",
        "deadline",
    )

    def __init__(
        self, lane: Lane, http: Request, reply: Reply, identity: str, grant: KeyGrant, route: Route
    ) -> None:
        self._lane = lane
        self._reply = reply
        self._grant = grant
        self._call: Call | None = None
        self._begun = False
        self._status = 0
        self._head: Headers = []
        self._url = lane.circuits.order(route.stable)[0]
        self._ours = answered_by(identity, lane.recorder.places.of(route, route.stable))
        headers = engine_headers(http.headers, identity)
        self._request = to_engine(http.method, self._url, http.target, headers, http.body)
        now = lane.pool.time()
        self._ends_at = now + lane.bounds.total_s
        self.deadline = min(now + lane.bounds.first_byte_s, self._ends_at)

    def start(self) -> None:
        self._call = self._lane.pool.send(self._url, self._request, self)
        self._reply.answering(self)
        self._lane.watch.add(self)

    def head(self, status: int, headers: Headers) -> None:
        self._status, self._head = status, headers
        self.deadline = self._ends_at

    def body(self, pieces: Sequence[bytes], complete: bool) -> None:
        if not self._begun:
            self._begun = True
            self._reply.begin(self._status, passed_on(self._head) + self._ours, None, pieces)
        else:
            self._reply.send(pieces)
        if complete:
            self._call = None
            self._reply.end()
            self._leave()

    def failed(self, fault: Fault) -> None:
        self._call = None
        self._fail(engine_fault.OF[fault])

    def expire(self, now: float) -> None:
        self._abort()
        self._fail(engine_fault.TIMEOUT)

    def client_left(self, *, cut: bool) -> None:
        self._abort()
        self._leave()

    def client_full(self) -> None:
        if self._call is not None:
            self._call.pause()

    def client_ready(self) -> None:
        if self._call is not None:
            self._call.resume()

    def _fail(self, why: EngineFault) -> None:
        if self._begun:
            self._reply.abort()
        else:
            headers = JSON + retry_headers(why.status) + self._ours
            self._reply.respond(why.status, headers, error_body(why.status, why.error, why.what))
        self._leave()

    def _abort(self) -> None:
        if self._call is not None:
            call, self._call = self._call, None
            call.abort()

    def _leave(self) -> None:
        self._lane.watch.forget(self)
        self._lane.limits.leave(self._grant, 0)
