"""Every route of both ports, who may use it, and one shape for all errors."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware

from aftertune.errors import AftertuneError, Forbidden, Unauthenticated
from aftertune.headers import REQUEST_ID
from aftertune.identity import Permission, bearer_token
from serving.router.metrics import Metrics
from serving.router.refusal import Refused, error_body, retry_headers
from serving.router.request import request_id

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Admission = Callable[[str, Permission], str]
"""From a bearer token and the permission a route needs to the caller's name; raises an AftertuneError."""

CALLER = web.RequestKey("caller", str)
IDENTITY = web.RequestKey("identity", str)

_CODES = {
    404: "unknown_url",
    405: "method_not_allowed",
    413: "request_too_large",
}


@dataclass(frozen=True)
class Door:
    """One route. `needs` is None only with a reason why everybody may come in."""

    method: str
    path: str
    handler: Handler
    needs: Permission | None
    public_because: str = ""

    def __post_init__(self) -> None:
        assert (self.needs is None) == bool(self.public_because)


def application(
    doors: Iterable[Door], admit: Admission, metrics: Metrics, max_body_bytes: int
) -> web.Application:
    """An application with these doors and nothing else."""
    app = web.Application(client_max_size=max_body_bytes, middlewares=[_shaped(metrics)])
    for door in doors:
        app.router.add_route(door.method, door.path, _guarded(door, admit))
    return app


def _guarded(door: Door, admit: Admission) -> Handler:
    async def handle(http: web.Request) -> web.StreamResponse:
        if door.needs is not None:
            http[CALLER] = admit(bearer_token(http.headers.get("authorization")), door.needs)
        return await door.handler(http)

    return handle


def _shaped(metrics: Metrics) -> Middleware:
    @web.middleware
    async def shape(request: web.Request, handler: Handler) -> web.StreamResponse:
        identity = request[IDENTITY] = request_id(request.headers)
        try:
            return await handler(request)
        except (AftertuneError, web.HTTPException) as error:
            response = _refusal(error)
        except ConnectionError:
            raise
        except Exception:
            log.exception("Request %s failed.", identity)
            response = _response(500, "internal_error", "The router failed; its log says why.")
        metrics.refused(response.status)
        response.headers[REQUEST_ID] = identity
        return response

    return shape


def _refusal(error: AftertuneError | web.HTTPException) -> web.Response:
    match error:
        case Refused():
            return _response(error.http_status, error.code, str(error), error.param)
        case Unauthenticated():
            response = _response(401, "invalid_api_key", str(error))
            response.headers["www-authenticate"] = "Bearer"
            return response
        case Forbidden():
            return _response(403, "not_permitted", str(error))
        case AftertuneError():
            return _response(error.status, error.title.lower().replace(" ", "_"), str(error))
        case _:
            code = _CODES.get(error.status, "bad_request")
            return _response(error.status, code, error.text or error.reason)


def _response(status: int, code: str, message: str, param: str | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=error_body(status, code, message, param),
        headers={"content-type": "application/json", **retry_headers(status)},
    )
