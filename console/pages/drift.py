"""Drift of one deployment: what the watch says, how it got there, and starting it anew."""

from typing import Annotated, Any, Literal

from fastapi import Form
from fastapi.responses import HTMLResponse, Response

from aftertune.errors import AftertuneError, BadInput
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.drift import DriftReading
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.context import Context
from console.drift import Relearning, drift_view, order_relearning
from console.names import PathName
from console.pages.page import ActForm, done, form_key, page, reason_of
from console.transcript import answer_text, prompt_text
from console.trend import drawing, drift_series

router = guarded_router("pages")

EXAMPLES_SHOWN = 3
READINGS_SHOWN = 12


class RelearnForm(ActForm):
    """`confirmed` is a box that a person ticks: an alarm would end."""

    reason: str = ""
    confirmed: Literal["", "yes"] = ""


class ExampleText(Value):
    """One exchange that moved the alarming chart; texts are None where nothing was captured."""

    exchange: str
    prompt: str | None
    answer: str | None


@router.get("/deployments/{name}/drift", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def drift(name: PathName, context: ContextOf, caller: CallerOf) -> Response:
    """Those who may read payloads see examples in full, which is written into the audit log."""
    return _drift_page(context, caller, name)


@router.post(
    "/deployments/{name}/drift/relearn",
    response_class=HTMLResponse,
    dependencies=[needs(Permission.RUN_ROLLOUT)],
)
def submit_relearning(
    name: PathName,
    form: Annotated[RelearnForm, Form()],
    context: ContextOf,
    caller: CallerOf,
    acting: ActingOf,
) -> Response:
    try:
        if not form.confirmed:
            raise BadInput("The reference is dropped only when you confirm it.", "Tick the box.")
        reason = reason_of(form.reason, "Relearning")
        order_relearning(acting.under(form.key), name, Relearning(reason=reason))
    except AftertuneError as error:
        return _drift_page(context, caller, name, error.status, error=error, reason=form.reason)
    return done(acting, f"/deployments/{name}/drift")


def _drift_page(
    context: Context,
    caller: Caller,
    name: str,
    status: int = 200,
    *,
    error: AftertuneError | None = None,
    reason: str = "",
) -> Response:
    now, payloads = context.clock.now(), caller.may(Permission.READ_PAYLOAD)
    with context.store.write() if payloads else context.store.read() as tx:
        view = drift_view(tx, name)
        examples = _examples(tx, view.reading) if payloads and view.reading else []
        if examples:
            read = {"exchanges": [example.exchange for example in examples]}
            tx.audit.append(now, caller.name, "read_payload", f"{name}/drift", read)
    series = drift_series(view.readings)
    shown: dict[str, Any] = {
        "name": name,
        "view": view,
        "plot": drawing(series, y_label="statistic ÷ threshold", limit=1.0, limit_label="alarm")
        if series
        else None,
        "examples": examples,
        "readings": view.readings[:READINGS_SHOWN],
        "payloads": payloads,
    }
    return page(
        context, "drift.html", caller, now, status, key=form_key(), error=error, reason=reason, **shown
    )


def _examples(tx: Transaction, reading: DriftReading) -> list[ExampleText]:
    found = []
    for exchange in reading.examples[:EXAMPLES_SHOWN]:
        payload = tx.exchanges.payload(exchange)
        found.append(
            ExampleText(
                exchange=exchange,
                prompt=prompt_text(payload.request) if payload and payload.request else None,
                answer=answer_text(payload.answer) if payload and payload.answer else None,
            )
        )
    return found
