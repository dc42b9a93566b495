"""The data port: what clients reach."""

from aiohttp import web

from aftertune.errors import Unauthenticated
from aftertune.identity import Permission
from serving.router.door import CALLER, IDENTITY, Door
from serving.router.proxy import Proxy
from serving.router.refusal import Refused
from serving.router.routing_table import Routing


def data_doors(routing: Routing, proxy: Proxy) -> list[Door]:
    """Chat, the list of deployments, and whether this router can serve."""

    async def chat(http: web.Request) -> web.StreamResponse:
        return await proxy.chat(http, http[CALLER], http[IDENTITY])

    async def models(_: web.Request) -> web.Response:
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "aftertune"}
            for name in routing.deployments
        ]
        return web.json_response({"object": "list", "data": listed})

    async def health(_: web.Request) -> web.Response:
        ready = routing.table is not None
        status = "ok" if ready else "no routing table"
        return web.json_response({"status": status}, status=200 if ready else 503)

    return [
        Door("POST", "/v1/chat/completions", chat, Permission.CHAT),
        Door("GET", "/v1/models", models, Permission.CHAT),
        Door("GET", "/healthz", health, None, "load balancers ask it, and it names nothing"),
    ]


class ClientAdmission:
    """Admits who is in the routing table."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing

    def __call__(self, token: str, needs: Permission) -> str:
        if self._routing.table is None:
            raise Refused(503, "no_routing_table", "This router has no routing table yet.", "Try again soon.")
        name = self._routing.holder(token)
        if name is None:
            raise Unauthenticated(
                "Nobody who may chat holds this credential.", "Ask an admin for a token with the role ingest."
            )
        return name
