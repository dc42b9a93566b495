"""The front page: every deployment, and what fires."""

from fastapi.responses import HTMLResponse, Response

from aftertune.identity import Permission
from console.access import CallerOf, ContextOf, guarded_router, needs
from console.alerts import safe_link
from console.deployments import deployment_view
from console.pages.page import page

router = guarded_router("pages")


@router.get("/", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def fleet(context: ContextOf, caller: CallerOf) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        views = [deployment_view(tx, caller, d.name, now) for d in tx.deployments.all()]
        alerts = [(alert, safe_link(alert.runbook)) for alert in tx.alerts.firing()]
    known = {view.deployment.name for view in views}
    return page(context, "fleet.html", caller, now, views=views, alerts=alerts, known=known)
