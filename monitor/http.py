"""The monitor's HTTP interface: leases for routers, wake-ups, alerts, health and metrics.

Denied by default: an endpoint exists only with the permission it needs, or with the reason why it needs none.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aftertune.clock import Clock
from aftertune.errors import AftertuneError, BadInput, Unauthenticated
from aftertune.identity import CONTROLLER, Permission, Principal, bearer_token, same_token
from aftertune.store import Store
from aftertune.values.route import RouterLease
from monitor.alerts import MAX_BODY_BYTES, BodyTooLarge, Desk

Handler = Callable[[Request], Awaitable[Response]]

SHOWN_SILENT = timedelta(minutes=5)


@dataclass(frozen=True)
class Public:
    """No credential is asked for, and why."""

    reason: str


@dataclass(frozen=True)
class Endpoint:
    method: str
    path: str
    handler: Handler
    access: Permission | Public


class Interface:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        registry: CollectorRegistry,
        *,
        control_token: str,
        lease_s: float,
        wake: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._registry = registry
        self._token = control_token
        self._lease_s = lease_s
        self._wake = wake
        self._desk = Desk(store, clock, registry)

    def endpoints(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint("POST", "/v1/routers/lease", self._lease, Permission.CONTROL),
            Endpoint("POST", "/v1/wake", self._wake_up, Permission.CONTROL),
            Endpoint("POST", "/v1/alerts", self._alerts, Permission.CONTROL),
            Endpoint("GET", "/healthz", self._health, Public("says only that the process lives")),
            Endpoint(
                "GET", "/v1/routers/targets", self._targets, Public("addresses, for Prometheus to find")
            ),
            Endpoint("GET", "/metrics", self._metrics, Public("counts without names; bound to the host")),
        )

    def app(self) -> Starlette:
        routes = [
            Route(e.path, self._guarded(e.handler, e.access), methods=[e.method]) for e in self.endpoints()
        ]
        return Starlette(routes=routes, exception_handlers={AftertuneError: _problem})

    def _guarded(self, handler: Handler, access: Permission | Public) -> Handler:
        async def guarded(request: Request) -> Response:
            if isinstance(access, Permission):
                token = bearer_token(request.headers.get("authorization"))
                principal = await run_in_threadpool(self._principal, token)
                principal.require(access)
            return await handler(request)

        return guarded

    def _principal(self, token: str) -> Principal:
        if same_token(token, self._token):
            return CONTROLLER
        with self._store.read() as tx:
            return tx.users.by_token(token)

    async def _lease(self, request: Request) -> Response:
        try:
            lease = RouterLease.model_validate_json(await request.body())
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in fault["loc"]) or "body"
            raise BadInput(f"The lease is wrong at {where}: {fault['msg']}.") from None
        table = await run_in_threadpool(self._renew, lease)
        return Response(table, media_type="application/json")

    def _renew(self, lease: RouterLease) -> str:
        until = self._clock.now() + timedelta(seconds=self._lease_s)
        with self._store.write() as tx:
            tx.routing.renew(lease, until)
            return tx.routing.current().model_dump_json()

    async def _targets(self, request: Request) -> Response:
        """The routers' admin ports, as Prometheus' HTTP service discovery reads them."""
        return JSONResponse([{"targets": await run_in_threadpool(self._addresses)}])

    def _addresses(self) -> list[str]:
        """Also of those that are silent since a short while: that they do not answer is worth seeing."""
        since = self._clock.now() - SHOWN_SILENT
        with self._store.read() as tx:
            known = [router.lease.admin_url for router in tx.routing.routers() if router.until > since]
        return sorted({urlsplit(url).netloc for url in known})

    async def _wake_up(self, request: Request) -> Response:
        self._wake()
        return Response(status_code=202)

    async def _alerts(self, request: Request) -> Response:
        """Alertmanager's webhook. It tells again what we could not store, so an error is an honest answer."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLarge
        if await run_in_threadpool(self._desk.take, bytes(body)):
            self._wake()
        return Response(status_code=202)

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _metrics(self, request: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


async def _problem(request: Request, error: Exception) -> Response:
    """RFC 9457 problem details."""
    if not isinstance(error, AftertuneError):
        raise error
    body = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": str(error),
        "instance": request.url.path,
    }
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else None
    return JSONResponse(body, error.status, headers, media_type="application/problem+json")
