"""Evaluations: suites, their trends, and their latest runs."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Form, Query
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from aftertune.errors import AftertuneError, NotFound
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.deployment import Deployment
from aftertune.values.evaluation import EvaluationRun
from aftertune.values.release import ReleaseState
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.concealment import run_for
from console.context import Context
from console.evaluations import NewRun, order_run
from console.pages.page import ActForm, done, form_key, page
from console.trend import Trend, drawing, suite_trends

router = guarded_router("pages")

RUNS_SHOWN = 50
RUNS_DRAWN = 200

Name = Annotated[str, Query(max_length=128)]


class RunForm(ActForm):
    release: str
    suite: str


class Filter(Value):
    """What the list is narrowed to; empty: everything."""

    suite: str = ""
    deployment: str = ""


@router.get("/evaluations", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def list_evaluations(
    context: ContextOf, caller: CallerOf, suite: Name = "", deployment: Name = ""
) -> Response:
    """With a suite, its gated numbers over time; with a deployment, only the releases that it has used."""
    return _list_page(context, caller, Filter(suite=suite, deployment=deployment))


@router.post("/evaluations", response_class=HTMLResponse, dependencies=[needs(Permission.RUN_EVALUATION)])
def submit_run(
    form: Annotated[RunForm, Form()], context: ContextOf, caller: CallerOf, acting: ActingOf
) -> Response:
    try:
        run = order_run(acting.under(form.key), NewRun(release=form.release, suite=form.suite))
    except AftertuneError as error:
        return _list_page(context, caller, Filter(), error.status, error)
    return done(acting, f"/evaluations/{run.id}")


def _list_page(
    context: Context,
    caller: Caller,
    chosen: Filter,
    status: int = 200,
    error: AftertuneError | None = None,
) -> Response:
    with context.store.read() as tx:
        suites, deployments = tx.evaluations.suites(), tx.deployments.all()
        _require_known("suite", chosen.suite, (card.name for card in suites))
        _require_known("deployment", chosen.deployment, (each.name for each in deployments))
        runs = tx.evaluations.latest(suite=chosen.suite or None, limit=RUNS_DRAWN)
        if chosen.deployment:
            used = _used(tx, tx.deployments.get(chosen.deployment))
            runs = [run for run in runs if run.release in used]
        releases = [r.id for r in reversed(tx.releases.in_state(ReleaseState.READY))]
    shown: dict[str, Any] = {
        "chosen": chosen,
        "suites": suites,
        "deployments": [each.name for each in deployments],
        "releases": releases,
        "runs": [run_for(caller, run) for run in runs[:RUNS_SHOWN]],
        "measured": [run for run in runs[:RUNS_SHOWN] if run.scores] if chosen.suite else [],
        "trends": _drawings(runs) if chosen.suite else [],
    }
    now, key = context.clock.now(), form_key()
    return page(context, "evaluations.html", caller, now, status, key=key, error=error, **shown)


def _require_known(kind: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name and name not in names:
        raise NotFound(kind, name, names)


def _used(tx: Transaction, deployment: Deployment) -> set[str | None]:
    promoted = {promotion.release for promotion in tx.deployments.promotions(deployment.name)}
    return {*promoted, deployment.stable, deployment.candidate}


def _drawings(runs: list[EvaluationRun]) -> list[tuple[Trend, Markup]]:
    return [
        (
            trend,
            drawing(
                trend.series, y_label=trend.metric.replace("_", " "), limit=trend.limit, limit_label="gate"
            ),
        )
        for trend in suite_trends(runs)
    ]
