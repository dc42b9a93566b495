"""What got worse: of one run against its baselines, and between two runs that somebody chose."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import HTMLResponse, Response

from aftertune.identity import Permission
from aftertune.values.evaluation import Difference, EvaluationRun
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.chart import HEIGHT, WIDTH, score_chart
from console.comparison import RunName, comparison_for
from console.concealment import run_for
from console.context import Context
from console.flips import Changed, Flip, Side, changed_samples, read_flips
from console.names import PathName
from console.pages.page import page
from console.regression import Finding, Regression, regression

router = guarded_router("pages")

FLIPS_A_PAGE = 10


class Show(StrEnum):
    """Which samples stand side by side."""

    WORSE = "worse"
    BETTER = "better"


class View(Value):
    """`metric` and `baseline` narrow the samples to those of one difference; empty: every whole metric."""

    metric: str = ""
    baseline: str = ""
    show: Show = Show.WORSE
    number: int = 1


class Samples(Value):
    """One page of what changed sides, and how much there is of it."""

    changed: tuple[Changed, ...]
    total: int
    pages: int


Text = Annotated[str, Query(max_length=256)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]


@router.get("/evaluations/compare", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def compare(
    a: RunName,
    b: RunName,
    context: ContextOf,
    caller: CallerOf,
    metric: Text = "",
    show: Show = Show.WORSE,
    number: PageNumber = 1,
) -> Response:
    """Run a − run b. Refused when they did not ask the same samples of the same suite."""
    with context.store.read() as tx:
        found = comparison_for(tx, caller, a, b)
    view = View(metric=metric, show=show, number=number)
    sides = (Side(found.release.id, found.release.release), found.baseline.id)
    shown = {
        "comparison": found,
        "here": f"/evaluations/compare?a={found.release.id}&b={found.baseline.id}",
        **_shown(context, caller, found.release.model_copy(update={"gates": ()}), found.found, sides, view),
    }
    return page(context, "comparison.html", caller, context.clock.now(), **shown)


@router.get(
    "/evaluations/{run}/regression", response_class=HTMLResponse, dependencies=[needs(Permission.READ)]
)
def show_regression(
    run: PathName,
    context: ContextOf,
    caller: CallerOf,
    metric: Text = "",
    baseline: Text = "",
    show: Show = Show.WORSE,
    number: PageNumber = 1,
) -> Response:
    """Those who may read payloads see the answers that changed sides, which is written into the audit log."""
    with context.store.read() as tx:
        found = run_for(caller, tx.evaluations.get(run))
    view = View(metric=metric, baseline=baseline, show=show, number=number)
    sides = (Side(found.id, found.release), found.id)
    shown = {
        "here": f"/evaluations/{found.id}/regression?",
        **_shown(context, caller, found, regression(found), sides, view),
    }
    return page(context, "regression.html", caller, context.clock.now(), **shown)


def _shown(
    context: Context,
    caller: Caller,
    run: EvaluationRun,
    found: Regression,
    sides: tuple[Side, str],
    view: View,
) -> dict[str, Any]:
    findings = (*found.worse, *found.better, *found.same, *found.unmeasured)
    samples = _samples((finding.difference for finding in findings), view)
    release, baseline_run = sides
    payloads = caller.may(Permission.READ_PAYLOAD)
    flips: list[Flip] = []
    if payloads and samples.changed and run.signature is not None:
        with context.store.write() as tx:
            flips = list(
                read_flips(tx, caller, samples.changed, run.signature.dataset, release, baseline_run)
            )
            read = {"samples": sorted({flip.changed.sample for flip in flips}), "against": baseline_run}
            tx.audit.append(context.clock.now(), caller.name, "read_payload", run.id, read)
    return {
        "run": run,
        "found": found,
        "charts": {_key(finding): score_chart(finding.difference, run.gates) for finding in findings},
        "chart_size": (WIDTH, HEIGHT),
        "view": view,
        "samples": samples,
        "flips": flips,
        "payloads": payloads,
    }


def _key(finding: Finding) -> tuple[str, str]:
    return finding.difference.metric, finding.difference.baseline


def _samples(differences: Iterable[Difference], view: View) -> Samples:
    """Single tasks repeat the samples of their whole metric, and are shown only when one is asked for."""
    wanted = [
        each
        for each in differences
        if (each.metric == view.metric if view.metric else "/" not in each.metric)
        and view.baseline in ("", each.baseline)
    ]
    changed = changed_samples(wanted, worse=view.show is Show.WORSE)
    start = (view.number - 1) * FLIPS_A_PAGE
    return Samples(
        changed=tuple(changed[start : start + FLIPS_A_PAGE]),
        total=len(changed),
        pages=max(1, -(-len(changed) // FLIPS_A_PAGE)),
    )
