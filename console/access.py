"""Deny by default: a route that neither names a permission nor is public for a stated reason cannot be registered."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.params import Depends as DependsParameter
from fastapi.routing import APIRoute

from aftertune.errors import Forbidden, Unauthenticated
from aftertune.identity import Permission, Principal, Role, bearer_token
from aftertune.values.route import KeyGrant
from console.context import Context, context_of

SESSION_COOKIE = "aftertune_session"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"
MAX_BODY_BYTES = 1_000_000
_SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Caller:
    """Who presented the credential; browsers that are signed in also have a CSRF token.

    `key` is what an application's key may do; its holder may do here what an `ingest` user may.
    """

    principal: Principal
    csrf_token: str = ""
    key: KeyGrant | None = None

    @property
    def name(self) -> str:
        return self.principal.name

    def may(self, permission: Permission) -> bool:
        return self.principal.may(permission)


class Needs:
    """The dependency that lets in only callers who hold the permission."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> None:
        """Raises Unauthenticated, Forbidden."""
        caller = await run_in_threadpool(_caller, context_of(request), request, self.permission)
        caller.principal.require(self.permission)
        if caller.csrf_token and request.method not in _SAFE_METHODS:
            await _require_csrf_token(request, caller.csrf_token)
        request.state.caller = caller


class Public:
    """Marks a route that anybody may call, and says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(self) -> None:
        return None


def needs(permission: Permission) -> Any:
    return Depends(Needs(permission))


def public(reason: str) -> Any:
    return Depends(Public(reason))


class GuardedRoute(APIRoute):
    """Raises TypeError at registration unless the route carries exactly one `needs` or `public` dependency."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        declared: list[DependsParameter] = list(options.get("dependencies") or ())
        guards = [d.dependency for d in declared if isinstance(d.dependency, Needs | Public)]
        if len(guards) != 1:
            raise TypeError(
                f"The route {path} must name exactly one permission or reason to be public, not {len(guards)}."
            )
        self.access = guards[0]
        super().__init__(path, endpoint, **options | {"max_body_size": MAX_BODY_BYTES})


def guarded_router(tag: str) -> APIRouter:
    return APIRouter(route_class=GuardedRoute, tags=[tag])


def current_caller(request: Request) -> Caller:
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


CallerOf = Annotated[Caller, Depends(current_caller)]
ContextOf = Annotated[Context, Depends(context_of)]


def _caller(context: Context, request: Request, permission: Permission) -> Caller:
    """An application's key is somebody only where chatting is enough."""
    authorization = request.headers.get("authorization")
    cookie = request.cookies.get(SESSION_COOKIE)
    with context.store.read() as tx:
        if authorization is None and cookie:
            signed_in = tx.users.by_cookie(cookie, context.clock.now())
            return Caller(signed_in.principal, signed_in.csrf_token)
        if authorization is None:
            raise Unauthenticated(
                "No credential was presented.", "Send 'Authorization: Bearer <token>', or sign in at /login."
            )
        token = bearer_token(authorization)
        if permission is Permission.CHAT:
            key = tx.api_keys.by_token(token, context.clock.now())
            if key is not None:
                return Caller(Principal(key.name, frozenset({Role.INGEST})), key=key)
        return Caller(tx.users.by_token(token))


async def _require_csrf_token(request: Request, expected: str) -> None:
    presented = request.headers.get(CSRF_HEADER)
    if presented is None and "form" in request.headers.get("content-type", ""):
        presented = str((await request.form()).get(CSRF_FIELD, ""))
    if not hmac.compare_digest((presented or "").encode(), expected.encode()):
        raise Forbidden(
            "The request does not carry this session's CSRF token.",
            f"Load the page again; programs send it in the header {CSRF_HEADER}, or use a bearer token.",
        )
