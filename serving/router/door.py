"""The routes of the admin port, who may use each, and one shape for all errors."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from aftertune.errors import AftertuneError
from aftertune.headers import REQUEST_ID
from aftertune.identity import Permission, bearer_token
from serving.router.refusal import error_body, refused
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


def application(doors: Iterable[Door], admit: Admission, max_body_bytes: int) -> web.Application:
    """An application with these doors and nothing else."""
    app = web.Application(client_max_size=max_body_bytes, middlewares=[_shaped])
    for door in doors:
        app.router.add_route(door.method, door.path, _guarded(door, admit))
    return app


def _guarded(door: Door, admit: Admission) -> Handler:
    async def handle(http: web.Request) -> web.StreamResponse:
        if door.needs is not None:
            http[CALLER] = admit(bearer_token(http.headers.get("authorization")), door.needs)
        return await door.handler(http)

    return handle


@web.middleware
async def _shaped(request: web.Request, handler: Handler) -> web.StreamResponse:
    identity = request[IDENTITY] = request_id(request.headers.get(REQUEST_ID, "").encode())
    try:
        return await handler(request)
    except (AftertuneError, web.HTTPException) as error:
        response = _refusal(error)
    except ConnectionError:
        raise
    except Exception:
        log.exception("Request %s failed.", identity)
        response = _response(500, "internal_error", "The router failed; its log says why.")
    response.headers[REQUEST_ID] = identity
    return response


def _refusal(error: AftertuneError | web.HTTPException) -> web.Response:
    if isinstance(error, AftertuneError):
        told = refused(error)
        return _response(told.http_status, told.code, str(told), told.param)
    code = _CODES.get(error.status, "bad_request")
    return _response(error.status, code, error.text or error.reason)


def _response(status: int, code: str, message: str, param: str | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=error_body(status, code, message, param),
        headers={"content-type": "application/json"},
    )
