"""Keys of applications: who holds one, what each may do, and the acts on one. A token is shown once."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from fastapi import Form
from fastapi.responses import HTMLResponse, Response
from pydantic import BeforeValidator, Field, ValidationError

from aftertune.errors import AftertuneError, BadInput
from aftertune.identity import Permission
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.context import Context
from console.keys import (
    KeyChange,
    NewKey,
    change_key,
    create_key,
    key_view,
    key_views,
    revoke_key,
    rotate_key,
)
from console.names import PathName
from console.pages.page import ActForm, done, form_key, page

router = guarded_router("pages")

ENTRIES_SHOWN = 12

_Blank = BeforeValidator(lambda given: None if given == "" else given)
Limit = Annotated[int | None, _Blank, Field(ge=1, le=1_000_000_000)]


class TermsForm(ActForm):
    """A blank field is no limit; no deployment chosen: every one. A key ends as its last day begins, in UTC."""

    deployments: list[str] = Field(default_factory=list)
    requests_a_minute: Limit = None
    tokens_a_minute: Limit = None
    concurrency: Limit = None
    expires: Annotated[date | None, _Blank] = None

    def terms(self) -> dict[str, Any]:
        return {
            "deployments": tuple(self.deployments) or None,
            "requests_a_minute": self.requests_a_minute,
            "tokens_a_minute": self.tokens_a_minute,
            "concurrency": self.concurrency,
            "expires_at": datetime.combine(self.expires, time(), UTC) if self.expires else None,
        }


class NewKeyForm(TermsForm):
    name: str


@router.get("/keys", response_class=HTMLResponse, dependencies=[needs(Permission.MANAGE_USERS)])
def list_keys(context: ContextOf, caller: CallerOf) -> Response:
    return _list_page(context, caller)


@router.post("/keys", response_class=HTMLResponse, dependencies=[needs(Permission.MANAGE_USERS)])
def submit_key(
    form: Annotated[NewKeyForm, Form()], context: ContextOf, caller: CallerOf, acting: ActingOf
) -> Response:
    try:
        issued = create_key(_new_key(form), acting.under(form.key))
    except AftertuneError as error:
        return _list_page(context, caller, error.status, error)
    return _key_page(context, caller, issued.key.name, 201, token=issued.token)


@router.get("/keys/{name}", response_class=HTMLResponse, dependencies=[needs(Permission.MANAGE_USERS)])
def show_key(name: PathName, context: ContextOf, caller: CallerOf) -> Response:
    return _key_page(context, caller, name)


@router.post("/keys/{name}/terms", response_class=HTMLResponse, dependencies=[needs(Permission.MANAGE_USERS)])
def submit_terms(
    name: PathName,
    form: Annotated[TermsForm, Form()],
    context: ContextOf,
    caller: CallerOf,
    acting: ActingOf,
) -> Response:
    try:
        change_key(name, KeyChange(**form.terms()), acting.under(form.key))
    except AftertuneError as error:
        return _key_page(context, caller, name, error.status, error=error)
    return done(acting, f"/keys/{name}")


@router.post("/keys/{name}/token", response_class=HTMLResponse, dependencies=[needs(Permission.MANAGE_USERS)])
def submit_rotation(
    name: PathName, form: Annotated[ActForm, Form()], context: ContextOf, caller: CallerOf, acting: ActingOf
) -> Response:
    try:
        issued = rotate_key(name, acting.under(form.key))
    except AftertuneError as error:
        return _key_page(context, caller, name, error.status, error=error)
    return _key_page(context, caller, name, 201, token=issued.token)


@router.post(
    "/keys/{name}/revoke", response_class=HTMLResponse, dependencies=[needs(Permission.MANAGE_USERS)]
)
def submit_revocation(
    name: PathName, form: Annotated[ActForm, Form()], context: ContextOf, caller: CallerOf, acting: ActingOf
) -> Response:
    try:
        revoke_key(name, acting.under(form.key))
    except AftertuneError as error:
        return _key_page(context, caller, name, error.status, error=error)
    return done(acting, f"/keys/{name}")


def _new_key(form: NewKeyForm) -> NewKey:
    try:
        return NewKey(name=form.name, **form.terms())
    except ValidationError as error:
        said = error.errors(include_url=False, include_input=False)[0]["msg"]
        raise BadInput(
            f"The name {form.name!r} cannot be used: {said}.",
            "Use lower-case letters, digits, '.', '_' and '-', at most 63.",
        ) from None


def _list_page(
    context: Context, caller: Caller, status: int = 200, error: AftertuneError | None = None
) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        views = key_views(tx, now)
        deployments = [deployment.name for deployment in tx.deployments.all()]
    shown: dict[str, Any] = {"views": views, "deployments": deployments, "key": form_key(), "error": error}
    return page(context, "keys.html", caller, now, status, **shown)


def _key_page(
    context: Context,
    caller: Caller,
    name: str,
    status: int = 200,
    *,
    error: AftertuneError | None = None,
    token: str = "",
) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        shown: dict[str, Any] = {
            "view": key_view(tx, name, now),
            "deployments": [deployment.name for deployment in tx.deployments.all()],
            "entries": tx.audit.latest(ENTRIES_SHOWN, subject=name),
            "error": error,
            "token": token,
        }
    return page(context, "key.html", caller, now, status, key=form_key(), **shown)
