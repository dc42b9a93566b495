"""Rolling back by hand: the confirmation, and the progress until it is proven."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Form
from fastapi.responses import HTMLResponse, Response

from aftertune.errors import AftertuneError, NotFound
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.exchange import ExchangeRole
from aftertune.values.rollback import Rollback
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.context import Context
from console.deployments import DeploymentView, deployment_view
from console.names import PathName
from console.pages.page import ActForm, done, form_key, page, reason_of
from console.rollback_choice import Choice, rollback_choice
from console.rollbacks import RollbackOrder, order_rollback
from console.under_way import rollback_under_way

router = guarded_router("pages")

BLAST_WINDOW = timedelta(minutes=5)


class RollbackForm(ActForm):
    """`leaving` is what the page showed; when it is no longer in use, the act is refused."""

    reason: str = ""
    leaving: str
    to: str = ""


class Blast(Value):
    """Answers that users got lately, by role."""

    stable: int
    canary: int
    minutes: int


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
        order = RollbackOrder(
            reason=reason_of(form.reason, "A rollback"), to=form.to or None, leaving=form.leaving
        )
        rollback = order_rollback(acting.under(form.key), name, form.key, order)
    except AftertuneError as error:
        return _confirmation(context, caller, name, status=error.status, error=error, reason=form.reason)
    return done(acting, f"/deployments/{name}/rollbacks/{rollback.id}")


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
    return page(
        context,
        "progress.html",
        caller,
        now,
        deployment=deployment,
        rollback=found,
        seconds=seconds(found),
    )


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
    return page(
        context,
        "rollback.html",
        caller,
        now,
        status,
        key=form_key(),
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
