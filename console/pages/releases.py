"""Releases: where each one's bytes come from, how it stands with its suites, and waiving one."""

from typing import Annotated, Any

from fastapi import Form
from fastapi.responses import HTMLResponse, Response

from aftertune.errors import AftertuneError
from aftertune.identity import Permission
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.context import Context
from console.names import PathName
from console.pages.page import ActForm, done, form_key, page, reason_of
from console.releases import SuiteWaiver, release_view, release_views, waive

router = guarded_router("pages")

ENTRIES_SHOWN = 12


class WaiverForm(ActForm):
    suite: str
    reason: str = ""


@router.get("/releases", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def list_releases(context: ContextOf, caller: CallerOf) -> Response:
    with context.store.read() as tx:
        views = release_views(tx, caller)
    return page(context, "releases.html", caller, context.clock.now(), views=views[::-1])


@router.get("/releases/{release}", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def release(release: PathName, context: ContextOf, caller: CallerOf) -> Response:
    return _release_page(context, caller, release)


@router.post(
    "/releases/{release}/waivers", response_class=HTMLResponse, dependencies=[needs(Permission.WAIVE_SUITE)]
)
def submit_waiver(
    release: PathName,
    form: Annotated[WaiverForm, Form()],
    context: ContextOf,
    caller: CallerOf,
    acting: ActingOf,
) -> Response:
    try:
        reason = reason_of(form.reason, "A waiver")
        waive(acting.under(form.key), caller, release, SuiteWaiver(suite=form.suite, reason=reason))
    except AftertuneError as error:
        return _release_page(context, caller, release, error.status, error=error, reason=form.reason)
    return done(acting, f"/releases/{release}")


def _release_page(
    context: Context,
    caller: Caller,
    release: str,
    status: int = 200,
    *,
    error: AftertuneError | None = None,
    reason: str = "",
) -> Response:
    with context.store.read() as tx:
        shown: dict[str, Any] = {
            "view": release_view(tx, caller, release),
            "entries": tx.audit.latest(ENTRIES_SHOWN, subject=release),
        }
    now, key = context.clock.now(), form_key()
    return page(context, "release.html", caller, now, status, key=key, error=error, reason=reason, **shown)
