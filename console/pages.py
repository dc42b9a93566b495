"""The pages: fleet, deployment, rollback and its progress, and signing in."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Form, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from pydantic import TypeAdapter, ValidationError

from aftertune.errors import AftertuneError, BadInput, Forbidden, NotFound, Unauthenticated
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.exchange import ExchangeRole
from aftertune.values.rollback import Rollback
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs, public
from console.acting import ActingOf, IdempotencyKey, Reason
from console.chart import HEIGHT, WIDTH, chart
from console.context import STYLESHEET, Context
from console.deployments import DeploymentView, deployment_view
from console.exchanges import pair_text
from console.names import PathName
from console.rollback_choice import Choice, rollback_choice
from console.rollbacks import RollbackOrder, order_rollback
from console.session import close_session, open_session
from console.under_way import rollback_under_way

router = guarded_router("pages")

PAIRS_SHOWN = 5
ENTRIES_SHOWN = 12
BLAST_WINDOW = timedelta(minutes=5)
LOGIN_COOKIE = "aftertune_login"
_REASON: TypeAdapter[str] = TypeAdapter(Reason)


class LoginForm(Value):
    token: str
    csrf_token: str
    next: str = "/"


class RollbackForm(Value):
    """`leaving` is what the page showed; when it is no longer in use, the act is refused."""

    reason: str
    leaving: str
    key: IdempotencyKey
    to: str = ""
    csrf_token: str = ""


class Blast(Value):
    """Answers that users got lately, by role."""

    stable: int
    canary: int
    minutes: int


@router.get("/", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def fleet(context: ContextOf, caller: CallerOf) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        views = [deployment_view(tx, caller, d.name, now) for d in tx.deployments.all()]
    return _page(context, "fleet.html", caller, now, views=views)


@router.get("/deployments/{name}", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def deployment(name: PathName, context: ContextOf, caller: CallerOf) -> Response:
    """Those who may read payloads see the latest pairs in full, which is written into the audit log."""
    now, payloads = context.clock.now(), caller.may(Permission.READ_PAYLOAD)
    with context.store.write() if payloads else context.store.read() as tx:
        view = deployment_view(tx, caller, name, now)
        pairs = tx.pairs.latest(name, PAIRS_SHOWN)
        shown: dict[str, Any] = {
            "view": view,
            "charts": [chart(m) for m in view.verdict.measurements] if view.verdict else [],
            "chart_size": (WIDTH, HEIGHT),
            "pairs": pairs,
            "texts": [pair_text(tx, pair) for pair in pairs] if payloads else [],
            "rollbacks": [(rollback, seconds(rollback)) for rollback in tx.rollbacks.of(name)[:10]],
            "entries": tx.audit.latest(ENTRIES_SHOWN, subject=name),
        }
        if payloads and pairs:
            read = {"pairs": [pair.pair_id for pair in pairs]}
            tx.audit.append(now, caller.name, "read_payload", f"{name}/pairs", read)
    return _page(context, "deployment.html", caller, now, **shown)


@router.get(
    "/deployments/{name}/rollback", response_class=HTMLResponse, dependencies=[needs(Permission.ROLL_BACK)]
)
def confirm_rollback(name: PathName, context: ContextOf, caller: CallerOf) -> Response:
    return _confirmation(context, caller, name, status=200)


@router.post(
    "/deployments/{name}/rollback", response_class=HTMLResponse, dependencies=[needs(Permission.ROLL_BACK)]
)
def submit_rollback(
    name: PathName,
    form: Annotated[RollbackForm, Form()],
    context: ContextOf,
    caller: CallerOf,
    acting: ActingOf,
) -> Response:
    """Order the rollback and show its progress. The form's key makes a second click harmless."""
    try:
        order = RollbackOrder(reason=_reason(form.reason), to=form.to or None, leaving=form.leaving)
        rollback = order_rollback(acting.under(form.key), name, form.key, order)
    except AftertuneError as error:
        return _confirmation(context, caller, name, status=error.status, error=error, reason=form.reason)
    return RedirectResponse(
        f"/deployments/{name}/rollbacks/{rollback.id}", status_code=303, background=acting.background
    )


@router.get(
    "/deployments/{name}/rollbacks/{rollback}",
    response_class=HTMLResponse,
    dependencies=[needs(Permission.READ)],
)
def rollback_progress(name: PathName, rollback: PathName, context: ContextOf, caller: CallerOf) -> Response:
    with context.store.read() as tx:
        found = tx.rollbacks.get(rollback)
        if found.deployment != name:
            raise NotFound("rollback of this deployment", rollback)
        deployment = tx.deployments.get(found.deployment)
    now = context.clock.now()
    return _page(
        context,
        "progress.html",
        caller,
        now,
        deployment=deployment,
        rollback=found,
        seconds=seconds(found),
    )


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


def seconds(rollback: Rollback) -> Mapping[str, float | None]:
    """Seconds to decision, switch and proof: from the first bad answer where one is known, else from the request."""
    start = rollback.first_bad_at or rollback.requested_at

    def since(at: datetime | None) -> float | None:
        return None if at is None else (at - start).total_seconds()

    return MappingProxyType(
        {
            "decided": since(rollback.requested_at),
            "switched": since(rollback.switched_at),
            "proven": since(rollback.finished_at),
        }
    )


def _confirmation(
    context: Context,
    caller: Caller,
    name: str,
    *,
    status: int,
    error: AftertuneError | None = None,
    reason: str = "",
) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        view = deployment_view(tx, caller, name, now)
        shown: dict[str, Any] = {
            "view": view,
            "choice": _choice(tx, view),
            "blast": _blast(tx, name, now),
            "under_way": rollback_under_way(tx, name),
        }
    return _page(
        context,
        "rollback.html",
        caller,
        now,
        status,
        key=f"page-{secrets.token_hex(12)}",
        error=error,
        reason=reason,
        **shown,
    )


def _choice(tx: Transaction, view: DeploymentView) -> Choice:
    promotions = tx.deployments.promotions(view.deployment.name)
    return rollback_choice(view.deployment, promotions, view.quarantined)


def _blast(tx: Transaction, name: str, now: datetime) -> Blast:
    counts = tx.exchanges.count(name, now - BLAST_WINDOW)
    return Blast(
        stable=counts.get(ExchangeRole.STABLE, 0),
        canary=counts.get(ExchangeRole.CANARY, 0),
        minutes=int(BLAST_WINDOW.total_seconds() // 60),
    )


def _reason(given: str) -> str:
    try:
        return _REASON.validate_python(given)
    except ValidationError:
        raise BadInput(
            "A rollback needs a reason of 1 to 500 characters.",
            "Say what you saw; it goes into the audit log.",
        ) from None


def _login_page(
    context: Context, following: str, *, status: int, error: AftertuneError | None = None
) -> Response:
    token = secrets.token_urlsafe(32)
    response = _page(
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


def _page(
    context: Context, template: str, caller: Caller | None, now: datetime, status: int = 200, **shown: Any
) -> Response:
    html = context.templates.get_template(template).render(me=caller, now=now, **shown)
    return HTMLResponse(html, status)
