"""Errors on the wire: RFC 9457 problem details for programs, a page for browsers."""

import http
import logging
import re
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import Field
from starlette.exceptions import HTTPException

from aftertune.errors import AftertuneError
from aftertune.values.value import Value
from console.context import context_of
from console.hardening import HEADERS

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger(__name__)


class FieldProblem(Value):
    """What is wrong with one field; what was sent is not repeated."""

    field: str
    message: str


class Problem(Value):
    """RFC 9457, with `remedy` (what the caller can do; may be empty) and `errors` (one for each bad field)."""

    type: str = Field(description="names the kind of problem: urn:aftertune:problem:<title in kebab case>")
    title: str
    status: int
    detail: str
    remedy: str = ""
    errors: tuple[FieldProblem, ...] = ()


def install(app: FastAPI) -> None:
    """Every error leaves the app as a problem, whoever raised it."""
    app.add_exception_handler(AftertuneError, _aftertune_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)


def problem(
    title: str, status: int, detail: str, remedy: str, errors: tuple[FieldProblem, ...] = ()
) -> Problem:
    kind = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return Problem(
        type=f"urn:aftertune:problem:{kind}",
        title=title,
        status=status,
        detail=detail,
        remedy=remedy,
        errors=errors,
    )


def wants_page(request: Request) -> bool:
    """Browsers ask for HTML; below /v1 everybody gets JSON."""
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get("accept", "")


def _aftertune_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AftertuneError)
    if error.status >= 500:
        log.error("%s %s: %s", request.method, request.url.path, error)
    if error.status == 401 and wants_page(request) and request.method == "GET":
        return RedirectResponse(f"/login?next={quote(request.url.path, safe='/')}", status_code=303)
    return respond(request, problem(error.title, error.status, error.what, error.remedy))


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = tuple(
        FieldProblem(field=".".join(str(part) for part in e["loc"]), message=e["msg"]) for e in error.errors()
    )
    detail = "; ".join(f"{e.field}: {e.message}" for e in errors[:3])
    return respond(
        request,
        problem("Invalid request", 422, f"The request does not fit: {detail}.", "See /openapi.json.", errors),
    )


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = http.HTTPStatus(error.status_code).phrase
    response = respond(
        request,
        problem(title, error.status_code, f"{request.method} {request.url.path}: {error.detail}.", ""),
    )
    response.headers.update(error.headers or {})
    return response


def _unexpected_error(request: Request, _error: Exception) -> Response:
    response = respond(
        request,
        problem(
            "Internal error",
            500,
            "The console met an error that it did not expect.",
            "Look for it in the console's log; traffic goes on.",
        ),
    )
    # This response is made outside of the middleware that hardens all others.
    response.headers.update(HEADERS)
    return response


def respond(request: Request, said: Problem) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if said.status == 401 else {}
    if wants_page(request):
        page = context_of(request).templates.get_template("error.html").render(problem=said, me=None)
        return HTMLResponse(page, said.status, headers)
    return JSONResponse(said.model_dump(mode="json"), said.status, headers, MEDIA_TYPE)
