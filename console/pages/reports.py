"""Reports: asking for one, taking its files along, and signing it off."""

import re
from typing import Annotated, Any, Literal

from fastapi import Form
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from aftertune.errors import AftertuneError, BadInput
from aftertune.identity import Permission
from aftertune.values.report import WEEK
from aftertune.week import week_before
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.concealment import report_for
from console.context import Context
from console.names import PathName
from console.pages.page import ActForm, done, form_key, page
from console.reports import NewReport, Word, order_report, report_view, sign

router = guarded_router("pages")


class RequestForm(ActForm):
    week: str = ""
    preliminary: Literal["", "yes"] = ""


class SignForm(ActForm):
    """`manifest_digest` is the one that the page showed."""

    manifest_digest: str
    word: Literal["accepted", "refused"]
    comment: str = ""


@router.get("/reports", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def list_reports(context: ContextOf, caller: CallerOf) -> Response:
    return _list_page(context, caller)


@router.post("/reports", response_class=HTMLResponse, dependencies=[needs(Permission.BUILD_REPORT)])
def submit_request(
    form: Annotated[RequestForm, Form()], context: ContextOf, caller: CallerOf, acting: ActingOf
) -> Response:
    try:
        if not re.fullmatch(WEEK, form.week):
            raise BadInput(f"{form.week!r} is no ISO week.", "Weeks look like 2026-W31.")
        order = NewReport(week=form.week, preliminary=bool(form.preliminary))
        report = order_report(acting.under(form.key), order)
    except AftertuneError as error:
        return _list_page(context, caller, error.status, error)
    return done(acting, f"/reports/{report.id}")


@router.get("/reports/{report}", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def report(report: PathName, context: ContextOf, caller: CallerOf) -> Response:
    return _report_page(context, caller, report)


@router.post(
    "/reports/{report}/sign-offs", response_class=HTMLResponse, dependencies=[needs(Permission.SIGN_REPORT)]
)
def submit_sign_off(
    report: PathName,
    form: Annotated[SignForm, Form()],
    context: ContextOf,
    caller: CallerOf,
    acting: ActingOf,
) -> Response:
    try:
        sign(acting.under(form.key), caller, report, _word(form))
    except AftertuneError as error:
        return _report_page(context, caller, report, error.status, error=error, comment=form.comment)
    return done(acting, f"/reports/{report}")


def _word(form: SignForm) -> Word:
    try:
        return Word(
            manifest_digest=form.manifest_digest, accepted=form.word == "accepted", comment=form.comment
        )
    except ValidationError:
        raise BadInput(
            "The sign-off does not fit.",
            "Who does not accept says why, in at most 2,000 characters on one line.",
        ) from None


def _list_page(
    context: Context, caller: Caller, status: int = 200, error: AftertuneError | None = None
) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        reports = tx.reports.all()
        signed = {each.id: tx.reports.sign_offs(each.id) for each in reports}
    shown: dict[str, Any] = {
        "reports": [report_for(caller, each) for each in reports],
        "signed": signed,
        "last_week": week_before(now, context.settings.evals.time_zone).name,
    }
    return page(context, "reports.html", caller, now, status, key=form_key(), error=error, **shown)


def _report_page(
    context: Context,
    caller: Caller,
    report: str,
    status: int = 200,
    *,
    error: AftertuneError | None = None,
    comment: str = "",
) -> Response:
    with context.store.read() as tx:
        view = report_view(tx, caller, report)
    return page(
        context,
        "report.html",
        caller,
        context.clock.now(),
        status,
        view=view,
        folder=f"aftertune-{view.report.week}-r{view.report.revision}",
        spoke=any(word.reviewer == caller.name for word in view.sign_offs),
        key=form_key(),
        error=error,
        comment=comment,
    )
