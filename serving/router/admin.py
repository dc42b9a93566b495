"""The admin port: what the other rooms reach."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from multidict import CIMultiDict
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import ValidationError

from aftertune.errors import BadInput, Forbidden, Unauthenticated
from aftertune.headers import PROBE
from aftertune.identity import CONTROLLER, Permission, same_token, token_hash
from aftertune.values.exchange import Endpoint
from aftertune.values.route import KeyGrant, RouterLease, RoutingTable
from serving.router.data import DataPort
from serving.router.door import CALLER, IDENTITY, Door
from serving.router.metrics import Metrics
from serving.router.probe import ProbeReply
from serving.router.request import ModelRequest
from serving.router.routing_table import Routing
from serving.wire.request import Request


def admin_doors(
    routing: Routing,
    port: DataPort,
    metrics: Metrics,
    lease: Callable[[], RouterLease],
    trouble: Callable[[], str],
) -> list[Door]:
    """The routing table, probes, health and metrics. `trouble` says why no request should come here."""

    def leased() -> web.Response:
        return web.Response(text=lease().model_dump_json(), content_type="application/json")

    async def show(_: web.Request) -> web.Response:
        return leased()

    async def push(http: web.Request) -> web.Response:
        try:
            table = RoutingTable.model_validate_json(await http.read())
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise BadInput(f"This is no routing table: {first['msg']} at {first['loc']}.") from None
        routing.accept(table)
        return leased()

    async def probe(http: web.Request) -> web.StreamResponse:
        if PROBE not in http.headers:
            raise BadInput(f"A probe names the release to prove in {PROBE}.", "Clients use the data port.")
        headers = [(name.lower(), value) for name, value in http.raw_headers]
        grant = KeyGrant(name=http[CALLER])
        asked = Request(b"POST", http.raw_path.encode(), headers, "1.1")
        asked.body = await http.read()
        request = ModelRequest(Endpoint.CHAT, asked, grant.name, http[IDENTITY])
        reply = ProbeReply()
        port.ask(request, reply, grant, port.route(request.model, grant), probe=True)
        try:
            body = await reply.whole
        except asyncio.CancelledError:
            reply.leave()
            raise
        return web.Response(status=reply.status, body=body, headers=CIMultiDict(reply.headers))

    async def health(_: web.Request) -> web.Response:
        said = trouble()
        told = {"status": said or "ok", "revision": routing.revision}
        return web.json_response(told, status=503 if said else 200)

    async def scrape(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"content-type": CONTENT_TYPE_LATEST})

    return [
        Door("GET", "/v1/routing", show, Permission.CONTROL),
        Door("PUT", "/v1/routing", push, Permission.CONTROL),
        Door("POST", "/v1/chat/completions", probe, Permission.CONTROL),
        Door("GET", "/healthz", health, None, "supervisors ask it, and it names nothing"),
        Door("GET", "/metrics", scrape, None, "Prometheus scrapes it; labels hold no client's words"),
    ]


class ControlAdmission:
    """Admits the rooms' own credential."""

    def __init__(self, control_token: str, routing: Routing) -> None:
        self._control_token = control_token
        self._routing = routing

    def __call__(self, token: str, needs: Permission) -> str:
        if same_token(token, self._control_token):
            return CONTROLLER.name
        grant = self._routing.grant(token_hash(token))
        if grant is None:
            raise Unauthenticated("Nobody holds this credential.")
        raise Forbidden(f"{grant.name} may not {needs}: this port is for the rooms themselves.")
