"""Headers that every response carries, and the count of responses."""

from collections.abc import Mapping
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aftertune.telemetry import CONSOLE_REQUESTS

POLICY = "content-security-policy"
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        POLICY: (
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
    }
)


class Hardening:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._responses = Counter(
            CONSOLE_REQUESTS, "Responses of the console", ["code_class"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # A page has one policy; a report, which has styles of its own, brings another.
                headers.update({**HEADERS, POLICY: headers.get(POLICY, HEADERS[POLICY])})
                self._responses.labels(f"{message['status'] // 100}xx").inc()
            await send(message)

        try:
            await self._app(scope, receive, send_hardened)
        except Exception:
            self._responses.labels("5xx").inc()
            raise
