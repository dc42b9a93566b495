"""The data port: what clients reach, who may come in, and what is asked of which deployment."""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import unquote

import orjson

from aftertune.errors import AftertuneError, Unauthenticated
from aftertune.headers import DEPLOYMENT, REQUEST_ID
from aftertune.identity import Permission, token_hash
from aftertune.values.exchange import Endpoint
from aftertune.values.route import KeyGrant, Route, RoutingTable
from serving.router.exchange import Exchange, Lane
from serving.router.limits import Excess
from serving.router.metrics import Metrics
from serving.router.passage import Passage
from serving.router.policy import policy_of
from serving.router.refusal import JSON, Refused, error_body, refused, retry_headers
from serving.router.reply import Reply
from serving.router.request import ModelRequest, request_id
from serving.router.routing_table import Routing
from serving.wire.head import Headers
from serving.wire.request import Request
from serving.wire.server import Connection, Refusal

log = logging.getLogger(__name__)

Handler = Callable[["DataPort", Request, Reply, str, KeyGrant], None]
_REQUEST_ID: Final = REQUEST_ID.encode()
_BEARER: Final = b"bearer "
_MODELS: Final = b"/v1/models/"
_RESPONSES: Final = b"/v1/responses/"
_CANCEL: Final = b"/cancel"
_ID: Final = re.compile(rb"[A-Za-z0-9_-]{1,256}")
"""What stands before an engine may resolve dots and escapes to its other paths."""
_REMEMBERED: Final = 10_000
"""Credentials of one table that need not be hashed again."""
_EXCESS: Final = {
    "requests": "requests a minute",
    "tokens": "tokens a minute",
    "concurrency": "requests at once",
}


class Door(NamedTuple):
    """One route of the data port. `needs` is None only with a reason why everybody may come in."""

    handler: Handler
    needs: Permission | None
    endpoint: Endpoint | None = None
    public_because: str = ""


class DataPort:
    """The application behind the clients' connections. `trouble` says why no request should come; load balancers ask."""

    def __init__(self, routing: Routing, lane: Lane, metrics: Metrics, trouble: Callable[[], str]) -> None:
        self.routing = routing
        self.lane = lane
        self.trouble = trouble
        self._metrics = metrics
        self._grants: dict[bytes, KeyGrant] = {}
        self._granted_by: RoutingTable | None = None

    def serve(self, request: Request, connection: Connection) -> None:
        identity = request_id(request.named.get(_REQUEST_ID))
        try:
            self._serve(request, connection, identity)
        except AftertuneError as error:
            self._refuse(connection, refused(error), identity)
        except Exception:
            log.exception("Request %s failed.", identity)
            self._refuse(
                connection,
                Refused(500, "internal_error", "The router failed; its log says why."),
                identity,
            )

    def admits(self, request: Request) -> Refusal | None:
        try:
            self._door(request)
        except AftertuneError as error:
            told = refused(error)
            identity = request_id(request.named.get(_REQUEST_ID))
            return self._refusal(told, identity)
        return None

    def refusal(self, status: int, code: str, what: str, headers: Headers) -> Refusal:
        identity = request_id(dict(headers).get(_REQUEST_ID))
        return self._refusal(Refused(status, code, what), identity)

    def ask(
        self, request: ModelRequest, reply: Reply, grant: KeyGrant, route: Route, *, probe: bool = False
    ) -> None:
        """Answer a request for a model; what was admitted is given back when it ends."""
        try:
            policy = policy_of(route)
            conversation = request.attribution.conversation if policy.by_conversation else ""
            decision = policy.decide(conversation, request.request_id)
            exchange = Exchange(self.lane, request, reply, route, grant, decision, probe=probe)
            exchange.start(self.lane.pool.time())
        except Exception:
            self.lane.limits.leave(grant, 0)
            raise

    def route(self, deployment: str, grant: KeyGrant) -> Route:
        """Raises Refused (404): a deployment that a key may not use does not exist for it."""
        route = self.routing.route(deployment)
        if route is None or not allows(grant, deployment):
            known = ", ".join(self.visible(grant)) or "none"
            what = f"The model {deployment!r} does not exist."
            raise Refused(404, "model_not_found", what, f"Known deployments: {known}.", param="model")
        return route

    def visible(self, grant: KeyGrant) -> list[str]:
        return [name for name in self.routing.deployments if allows(grant, name)]

    def admitted(self, grant: KeyGrant) -> None:
        """Takes one request from the key's limits. Raises Refused (429)."""
        excess = self.lane.limits.admit(grant)
        if excess is not None:
            self._metrics.limited(excess.limit)
            raise _over(grant, excess)

    def _serve(self, request: Request, reply: Reply, identity: str) -> None:
        door, grant = self._door(request)
        door.handler(self, request, reply, identity, grant)

    def _door(self, request: Request) -> tuple[Door, KeyGrant]:
        """Where the request goes, and what its sender may do. Raises Refused, Unauthenticated."""
        doors = DOORS.get(request.path) or _below(request.path)
        if not doors:
            raise Refused(404, "unknown_url", f"There is nothing at {_shown(request.path)}.")
        door = doors.get(request.method)
        if door is None:
            allow = b", ".join(doors)
            raise Refused(
                405,
                "method_not_allowed",
                f"{_shown(request.path)} takes {allow.decode()}.",
                headers=b"allow: %b\r\n" % allow,
            )
        return door, _NOBODY if door.needs is None else self._grant(request)

    def _grant(self, request: Request) -> KeyGrant:
        """Everybody in the routing table may chat; nobody else may anything. Raises Unauthenticated, Refused."""
        presented = request.named.get(b"authorization", b"")
        table = self.routing.table
        if table is not self._granted_by:
            self._grants, self._granted_by = {}, table
        known = self._grants.get(presented)
        if known is None:
            known = self._presented(presented, table)
        if known.expires_at is not None and known.expires_at <= datetime.now(UTC):
            raise Unauthenticated("This credential has expired.", "Ask an admin for a new API key.")
        return known

    def _presented(self, presented: bytes, table: RoutingTable | None) -> KeyGrant:
        """Raises Unauthenticated, Refused."""
        if table is None:
            raise Refused(503, "no_routing_table", "This router has no routing table yet.", "Try again soon.")
        if presented[:7].lower() != _BEARER:
            raise Unauthenticated("No credential was presented.", "Send 'Authorization: Bearer <token>'.")
        grant = self.routing.grant(token_hash(presented[7:].strip().decode("latin-1")))
        if grant is None:
            raise Unauthenticated(
                "Nobody who may chat holds this credential.",
                "Ask an admin for an API key, or for a token with the role ingest.",
            )
        if len(self._grants) < _REMEMBERED:
            self._grants[presented] = grant
        return grant

    def _refuse(self, reply: Reply, error: Refused, identity: str) -> None:
        self._metrics.refused(error.http_status)
        reply.respond(error.http_status, *_told(error, identity))

    def _refusal(self, error: Refused, identity: str) -> Refusal:
        self._metrics.refused(error.http_status)
        headers, body = _told(error, identity)
        return Refusal(error.http_status, b"%bcontent-length: %d\r\n\r\n%b" % (headers, len(body), body))


def allows(grant: KeyGrant, deployment: str) -> bool:
    return grant.deployments is None or deployment in grant.deployments


def _generate(port: DataPort, http: Request, reply: Reply, identity: str, grant: KeyGrant) -> None:
    endpoint = DOORS[http.path][http.method].endpoint
    assert endpoint is not None
    request = ModelRequest(endpoint, http, grant.name, identity)
    route = port.route(request.model, grant)
    if request.stateful and not route.stored_responses:
        raise _not_shared(400, route)
    port.admitted(grant)
    port.ask(request, reply, grant, route)


def _models(port: DataPort, http: Request, reply: Reply, identity: str, grant: KeyGrant) -> None:  # noqa: ARG001
    listed = [_model(name) for name in port.visible(grant)]
    reply.respond(200, _headers(identity), orjson.dumps({"object": "list", "data": listed}))


def _one_model(port: DataPort, http: Request, reply: Reply, identity: str, grant: KeyGrant) -> None:
    name = unquote(http.path[len(_MODELS) :].decode("latin-1"))
    reply.respond(200, _headers(identity), orjson.dumps(_model(port.route(name, grant).deployment)))


def _stored_response(port: DataPort, http: Request, reply: Reply, identity: str, grant: KeyGrant) -> None:
    """A response that an engine remembers: asked of stable, passed through, not recorded."""
    named = http.named.get(DEPLOYMENT.encode(), b"").decode("latin-1")
    visible = port.visible(grant)
    if not named and len(visible) != 1:
        raise Refused(
            400, "missing_deployment", "More than one deployment could hold it.", f"Name it in {DEPLOYMENT}."
        )
    route = port.route(named or visible[0], grant)
    if not route.stored_responses:
        raise _not_shared(404, route)
    port.admitted(grant)
    try:
        Passage(port.lane, http, reply, identity, grant, route).start()
    except Exception:
        port.lane.limits.leave(grant, 0)
        raise


def _health(port: DataPort, http: Request, reply: Reply, identity: str, grant: KeyGrant) -> None:  # noqa: ARG001
    said = port.trouble()
    reply.respond(503 if said else 200, JSON, orjson.dumps({"status": said or "ok"}))


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "aftertune"}


def _headers(identity: str) -> bytes:
    return b"%b%b: %b\r\n" % (JSON, _REQUEST_ID, identity.encode())


def _not_shared(status: int, route: Route) -> Refused:
    """An engine knows no keys, and a response's id is no secret: who may recall one may recall all."""
    return Refused(
        status,
        "stored_responses_off",
        f"{route.deployment} does not use stored responses: each of its keys could read those of all others.",
        "Send the whole conversation, or ask an operator for 'aftertune deployment configure --stored-responses'.",
    )


def _told(error: Refused, identity: str) -> tuple[bytes, bytes]:
    """Headers and body."""
    headers = _headers(identity) + error.headers + retry_headers(error.http_status)
    return headers, error_body(error.http_status, error.code, str(error), error.param)


def _over(grant: KeyGrant, excess: Excess) -> Refused:
    seconds = max(1, round(excess.retry_after_s + 0.5))
    return Refused(
        429,
        "rate_limit_exceeded",
        f"{grant.name} may have {excess.most} {_EXCESS[excess.limit]}.",
        f"Try again in {seconds} s.",
        headers=b"retry-after: %d\r\n" % seconds,
    )


def _below(path: bytes) -> Mapping[bytes, Door] | None:
    """Doors whose path ends in a name."""
    if path.startswith(_MODELS) and len(path) > len(_MODELS):
        return _MODEL_DOORS
    if path.startswith(_RESPONSES):
        name = path[len(_RESPONSES) :]
        if name.endswith(_CANCEL) and _ID.fullmatch(name[: -len(_CANCEL)]):
            return _CANCEL_DOORS
        if _ID.fullmatch(name):
            return _RESPONSE_DOORS
    return None


def _shown(path: bytes) -> str:
    return ascii(path[:100].decode("latin-1"))


_NOBODY: Final = KeyGrant(name="", deployments=())
_MODEL_DOORS: Final = {b"GET": Door(_one_model, Permission.CHAT)}
_RESPONSE_DOORS: Final = {
    b"GET": Door(_stored_response, Permission.CHAT),
}
_CANCEL_DOORS: Final = {b"POST": Door(_stored_response, Permission.CHAT)}
DOORS: Final[Mapping[bytes, Mapping[bytes, Door]]] = {
    **{
        endpoint.value.encode(): {b"POST": Door(_generate, Permission.CHAT, endpoint)}
        for endpoint in Endpoint
    },
    b"/v1/models": {b"GET": Door(_models, Permission.CHAT)},
    b"/healthz": {b"GET": Door(_health, None, public_because="load balancers ask it, and it names nothing")},
}
"""Every path of the data port but those that end in a name: `/v1/models/{id}`, `/v1/responses/{id}[/cancel]`."""
