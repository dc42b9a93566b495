"""Refuses bodies that say they are too large, as a problem; those that turn out to be are cut off by their route."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from console.access import MAX_BODY_BYTES
from console.problems import problem, respond


class BodyLimit:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            length = request.headers.get("content-length", "0")
            if length.isdecimal() and int(length) > MAX_BODY_BYTES:
                detail = f"The body has {length} bytes; at most {MAX_BODY_BYTES} are taken."
                refusal = respond(request, problem("Body too large", 413, detail, "Send less at once."))
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
