"""Signing in and out, and the stylesheet."""

import hmac
import secrets
from typing import Annotated

from fastapi import Form, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from aftertune.errors import AftertuneError, Forbidden, Unauthenticated
from aftertune.identity import Permission
from aftertune.values.value import Value
from console.access import CallerOf, ContextOf, guarded_router, needs, public
from console.context import STYLESHEET, Context
from console.pages.page import page
from console.session import close_session, open_session

router = guarded_router("pages")

LOGIN_COOKIE = "aftertune_login"


class LoginForm(Value):
    token: str
    csrf_token: str
    next: str = "/"


@router.get("/login", response_class=HTMLResponse, dependencies=[public("nobody is signed in yet")])
def login(context: ContextOf, following: Annotated[str, Query(alias="next")] = "/") -> Response:
    return _login_page(context, following, status=200)


@router.post("/login", response_class=HTMLResponse, dependencies=[public("it checks the token itself")])
def submit_login(request: Request, form: Annotated[LoginForm, Form()], context: ContextOf) -> Response:
    """The form's CSRF token must match the cookie that came with the form."""
    expected = request.cookies.get(LOGIN_COOKIE, "")
    try:
        _require_same(expected, form.csrf_token)
        with context.store.read() as tx:
            principal = tx.users.by_token(form.token.strip())
        principal.require(Permission.READ)
    except (Forbidden, Unauthenticated) as error:
        return _login_page(context, form.next, status=error.status, error=error)
    response = RedirectResponse(_local(form.next), status_code=303)
    open_session(context, principal.name, request, response)
    response.delete_cookie(LOGIN_COOKIE, path="/login")
    return response


@router.post("/logout", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def logout(request: Request, context: ContextOf, caller: CallerOf) -> Response:
    response = RedirectResponse("/login", status_code=303)
    close_session(context, caller.name, request, response)
    return response


@router.get("/style.css", response_class=FileResponse, dependencies=[public("the sign-in page needs it")])
def stylesheet() -> Response:
    return FileResponse(STYLESHEET, media_type="text/css")


def _login_page(
    context: Context, following: str, *, status: int, error: AftertuneError | None = None
) -> Response:
    token = secrets.token_urlsafe(32)
    response = page(
        context,
        "login.html",
        None,
        context.clock.now(),
        status,
        token=token,
        next=_local(following),
        error=error,
    )
    response.set_cookie(LOGIN_COOKIE, token, max_age=3600, path="/login", httponly=True, samesite="strict")
    return response


def _require_same(cookie: str, field: str) -> None:
    if not cookie or not hmac.compare_digest(cookie.encode(), field.encode()):
        raise Forbidden("The sign-in form has expired.", "Sign in again.")


def _local(target: str) -> str:
    """The target if it is a path of this console, else the front page."""
    safe = (
        target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    )
    return target if safe else "/"
