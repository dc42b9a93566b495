"""Rendering a page, and what forms have in common."""

import secrets
from datetime import datetime
from typing import Any

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import TypeAdapter, ValidationError

from aftertune.errors import BadInput
from aftertune.values.value import Value
from console.access import Caller
from console.acting import Acting, IdempotencyKey, Reason
from console.context import Context

_REASON: TypeAdapter[str] = TypeAdapter(Reason)


class ActForm(Value):
    """What every form that acts carries. Its key makes a second click harmless."""

    key: IdempotencyKey
    csrf_token: str = ""


def form_key() -> str:
    """A fresh idempotency key for a form."""
    return f"page-{secrets.token_hex(12)}"


def page(
    context: Context, template: str, caller: Caller | None, now: datetime, status: int = 200, **shown: Any
) -> Response:
    html = context.templates.get_template(template).render(me=caller, now=now, **shown)
    return HTMLResponse(html, status)


def done(acting: Acting, target: str) -> Response:
    """On to the page that shows what came of the act; the monitor is woken after it."""
    return RedirectResponse(target, status_code=303, background=acting.background)


def reason_of(given: str, act: str) -> str:
    """The reason that a person typed. Raises BadInput."""
    try:
        return _REASON.validate_python(given)
    except ValidationError:
        raise BadInput(
            f"{act} needs a reason of 1 to 500 characters.", "Say what you saw; it goes into the audit log."
        ) from None
