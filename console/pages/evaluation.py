"""One run of a suite, with everything that it measured."""

from collections.abc import Iterator
from typing import Any

from fastapi.responses import HTMLResponse, Response

from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun
from console.access import CallerOf, ContextOf, guarded_router, needs
from console.chart import HEIGHT, WIDTH, budget_chart
from console.comparison import SAME
from console.concealment import run_for
from console.flips import changed_samples
from console.measured import grouped
from console.names import PathName
from console.pages.page import page
from console.trend import role_of

router = guarded_router("pages")

REASONS_SHOWN = 10
OTHERS_SOUGHT = 50
OTHERS_SHOWN = 6


@router.get("/evaluations/{run}", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def evaluation(run: PathName, context: ContextOf, caller: CallerOf) -> Response:
    """Numbers only: answers are on the page of what changed."""
    with context.store.read() as tx:
        found = run_for(caller, tx.evaluations.get(run))
        others = list(_comparable(tx, found))[:OTHERS_SHOWN]
    shown: dict[str, Any] = {
        "run": found,
        "scores": grouped(found.scores, found.gates),
        "differences": grouped(found.differences, found.gates),
        "budgets": [(budget, budget_chart(budget)) for budget in found.budgets],
        "chart_size": (WIDTH, HEIGHT),
        "roles": {each: role_of(found, each) for each in _baselines(found)},
        "reasons": found.unmeasured[:REASONS_SHOWN],
        "reasons_left": max(0, len(found.unmeasured) - REASONS_SHOWN),
        "others": others,
        "changed": len(changed_samples(found.differences, worse=True)),
    }
    return page(context, "evaluation.html", caller, context.clock.now(), **shown)


def _baselines(run: EvaluationRun) -> set[str]:
    return {
        *(each.baseline for each in run.differences),
        *(each.baseline for each in run.gates),
        *(each.baseline for each in run.budgets),
        *(run.signature.baselines if run.signature else ()),
    }


def _comparable(tx: Transaction, run: EvaluationRun) -> Iterator[EvaluationRun]:
    """Other runs that asked the same samples, newest first."""
    if run.signature is None or not run.scores:
        return
    for other in tx.evaluations.latest(suite=run.suite, limit=OTHERS_SOUGHT):
        signed = other.signature
        if other.id == run.id or signed is None or not other.scores:
            continue
        if all(getattr(signed, name) == getattr(run.signature, name) for name in SAME):
            yield other
