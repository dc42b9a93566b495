"""Signing in and out, and who one is."""

import secrets
from datetime import timedelta

from fastapi import Request, Response

from aftertune.identity import Permission, Role, new_token
from aftertune.values.value import Value
from console.access import SESSION_COOKIE, CallerOf, ContextOf, guarded_router, needs
from console.context import Context

router = guarded_router("session")


class Me(Value):
    """`csrf_token` is set for signed-in browsers: they send it in X-CSRF-Token with every act."""

    name: str
    roles: tuple[Role, ...]
    permissions: tuple[Permission, ...]
    csrf_token: str = ""


@router.get("/v1/me", dependencies=[needs(Permission.READ)])
def me(caller: CallerOf) -> Me:
    return Me(
        name=caller.name,
        roles=tuple(sorted(caller.principal.roles)),
        permissions=tuple(permission for permission in Permission if caller.may(permission)),
        csrf_token=caller.csrf_token,
    )


@router.post("/v1/session", status_code=201, dependencies=[needs(Permission.READ)])
def sign_in(request: Request, response: Response, context: ContextOf, caller: CallerOf) -> Me:
    """Trade the bearer token of this request for a session cookie."""
    csrf_token = open_session(context, caller.name, request, response)
    return me(caller).model_copy(update={"csrf_token": csrf_token})


@router.delete("/v1/session", status_code=204, dependencies=[needs(Permission.READ)])
def sign_out(request: Request, response: Response, context: ContextOf, caller: CallerOf) -> None:
    close_session(context, caller.name, request, response)


def open_session(context: Context, user: str, request: Request, response: Response) -> str:
    """Set the cookie on the response; returns the session's CSRF token."""
    cookie, csrf_token, at = new_token(), secrets.token_urlsafe(32), context.clock.now()
    length = context.settings.console.session_s
    with context.store.write() as tx:
        tx.users.open_session(user, cookie, csrf_token, at + timedelta(seconds=length))
        tx.audit.append(at, user, "sign_in", user)
    response.set_cookie(
        SESSION_COOKIE,
        cookie,
        max_age=int(length),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return csrf_token


def close_session(context: Context, user: str, request: Request, response: Response) -> None:
    with context.store.write() as tx:
        tx.users.close_session(request.cookies.get(SESSION_COOKIE, ""))
        tx.audit.append(context.clock.now(), user, "sign_out", user)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
