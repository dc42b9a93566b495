"""One deployment: where it stands, why, and what was answered lately."""

from typing import Any

from fastapi.responses import HTMLResponse, Response

from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun, before_promotion_run
from aftertune.values.rollout import Rollout
from console.access import CallerOf, ContextOf, guarded_router, needs
from console.chart import HEIGHT, WIDTH, chart
from console.deployments import deployment_view
from console.exchanges import pair_text
from console.feedback import feedback_view, said_of
from console.names import PathName
from console.pages.page import page
from console.pages.rollback import seconds

router = guarded_router("pages")

PAIRS_SHOWN = 5
ENTRIES_SHOWN = 12
FEEDBACK_SHOWN = 5


@router.get("/deployments/{name}", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def deployment(name: PathName, context: ContextOf, caller: CallerOf) -> Response:
    """Those who may read payloads see the latest pairs in full, which is written into the audit log."""
    now, payloads = context.clock.now(), caller.may(Permission.READ_PAYLOAD)
    with context.store.write() if payloads else context.store.read() as tx:
        view = deployment_view(tx, caller, name, now)
        pairs = tx.pairs.latest(name, PAIRS_SHOWN)
        shown: dict[str, Any] = {
            "view": view,
            "charts": [chart(m) for m in view.verdict.measurements] if view.verdict else [],
            "chart_size": (WIDTH, HEIGHT),
            "pairs": pairs,
            "said": [said_of(tx, caller, pair) for pair in pairs],
            "feedback": feedback_view(tx, caller, name, now, FEEDBACK_SHOWN),
            "texts": [pair_text(tx, pair) for pair in pairs] if payloads else [],
            "rollbacks": [(rollback, seconds(rollback)) for rollback in tx.rollbacks.of(name)[:10]],
            "evaluations": before_promotion(tx, view.rollout.rollout) if view.rollout else [],
            "entries": tx.audit.latest(ENTRIES_SHOWN, subject=name),
        }
        if payloads and pairs:
            read = {"pairs": [pair.pair_id for pair in pairs]}
            tx.audit.append(now, caller.name, "read_payload", f"{name}/pairs", read)
    return page(context, "deployment.html", caller, now, **shown)


def before_promotion(tx: Transaction, rollout: Rollout) -> list[tuple[str, EvaluationRun | None]]:
    """The suites that the plan asks for before promotion, and their runs where they have begun."""
    return [
        (suite, tx.evaluations.find(before_promotion_run(rollout.id, suite)))
        for suite in rollout.plan.evaluations
    ]
