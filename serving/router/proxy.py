"""From a client's request to its relay: read, decide, send."""

from aiohttp import web

from aftertune.headers import DROPPED_FIELDS, GENERATION, RELEASE, REQUEST_ID
from aftertune.values.exchange import ExchangeRole
from serving.router.answer import Renaming
from serving.router.leg import Leg, Recorder
from serving.router.mirror import Copy, Mirror
from serving.router.policy import decide
from serving.router.refusal import Refused
from serving.router.relay import Relay
from serving.router.request import engine_body, read_request
from serving.router.routing_table import Routing
from serving.router.upstream import Upstream

_NAMED = 32
"""How many dropped fields a header names: a client chooses how many there are."""


class Proxy:
    """Answers chat requests by the routing table in force."""

    def __init__(self, routing: Routing, upstream: Upstream, mirror: Mirror, recorder: Recorder) -> None:
        self._routing = routing
        self._upstream = upstream
        self._mirror = mirror
        self._recorder = recorder

    async def chat(
        self, http: web.Request, caller: str, request_id: str, *, probe: bool = False
    ) -> web.StreamResponse:
        """Answer as `caller` asks. A probe takes a client's path, but is recorded as a probe and never mirrored.

        Raises Refused: 400, 404, or aiohttp's 413.
        """
        request = read_request(await http.read(), http.headers, caller, request_id)
        route = self._routing.route(request.model)
        if route is None:
            known = ", ".join(self._routing.deployments) or "none"
            what = f"The model {request.model!r} does not exist."
            raise Refused(404, "model_not_found", what, f"Known deployments: {known}.", param="model")
        decision = decide(route, request.conversation.value, request_id)
        live = decision.live
        sent = engine_body(request.body, live)
        headers = {REQUEST_ID: request_id, RELEASE: live.release, GENERATION: str(route.generation)}
        if sent.dropped:
            headers[DROPPED_FIELDS] = ", ".join(
                name for name in sent.dropped[:_NAMED] if _fits_a_header(name)
            )
        mirrored = None if probe or decision.copy is None else Copy(request, route, decision.copy)
        role = ExchangeRole.PROBE if probe else decision.role
        relay = Relay(
            http=http,
            request=request,
            leg=Leg(self._recorder, request, route, live, role),
            renaming=Renaming(live.served_name, route.deployment),
            headers=headers,
            copy=mirrored,
            mirror=self._mirror,
        )
        return await relay.run(self._upstream, live.url, sent.body)


def _fits_a_header(name: str) -> bool:
    return name.isprintable() and len(name) <= 64
