"""Evaluations: suites, their trends, and one run with everything that it measured."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Form, Query
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from aftertune.errors import AftertuneError, NotFound
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.deployment import Deployment
from aftertune.values.evaluation import EvaluationRun, SampleResult
from aftertune.values.release import ReleaseState
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.chart import HEIGHT, WIDTH, score_chart
from console.concealment import run_for
from console.context import Context
from console.evaluations import NewRun, order_run
from console.names import PathName
from console.pages.page import ActForm, done, form_key, page
from console.trend import drawing, suite_trends

router = guarded_router("pages")

RUNS_SHOWN = 50
RUNS_DRAWN = 200
FLIPS_SHOWN = 10

Name = Annotated[str, Query(max_length=128)]


class RunForm(ActForm):
    release: str
    suite: str


class Filter(Value):
    """What the list is narrowed to; empty: everything."""

    suite: str = ""
    deployment: str = ""


class Flip(Value):
    """One sample that the baseline and the release got differently right; None where an answer was not stored."""

    sample: str
    down: bool
    metric: str
    baseline: SampleResult | None
    release: SampleResult | None


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


@router.get("/evaluations/{run}", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def evaluation(run: PathName, context: ContextOf, caller: CallerOf) -> Response:
    """Those who may read payloads see the flipped answers, which is written into the audit log."""
    now = context.clock.now()
    payloads = caller.may(Permission.READ_PAYLOAD)
    with context.store.write() if payloads else context.store.read() as tx:
        found = run_for(caller, tx.evaluations.get(run))
        flips = _flips(found, tx.evaluations.results(run)) if payloads else []
        if flips:
            read = {"samples": sorted({flip.sample for flip in flips})}
            tx.audit.append(now, caller.name, "read_payload", run, read)
    shown: dict[str, Any] = {
        "run": found,
        "score_charts": [score_chart(score, found.gates) for score in found.scores],
        "difference_charts": [score_chart(difference, found.gates) for difference in found.differences],
        "chart_size": (WIDTH, HEIGHT),
        "flips": flips,
        "flips_left": _flip_count(found) - len(flips),
        "payloads": payloads,
    }
    return page(context, "evaluation.html", caller, now, **shown)


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


def _drawings(runs: list[EvaluationRun]) -> list[tuple[str, Markup]]:
    return [
        (
            trend.label,
            drawing(
                trend.series, y_label=trend.metric.replace("_", " "), limit=trend.limit, limit_label="gate"
            ),
        )
        for trend in suite_trends(runs)
    ]


def _flip_count(run: EvaluationRun) -> int:
    return sum(len(each.flipped_down) + len(each.flipped_up) for each in run.differences)


def _flips(run: EvaluationRun, results: list[SampleResult]) -> list[Flip]:
    """Those that got worse first, at most FLIPS_SHOWN."""
    answers = {(result.release, result.sample): result for result in results}
    found = [
        Flip(
            sample=sample,
            down=down,
            metric=difference.metric,
            baseline=answers.get((difference.baseline, sample)),
            release=answers.get((run.release, sample)),
        )
        for down in (True, False)
        for difference in run.differences
        for sample in (difference.flipped_down if down else difference.flipped_up)
    ]
    return found[:FLIPS_SHOWN]
