"""Alerts that fire now, as Alertmanager told the monitor."""

from urllib.parse import urlsplit

from aftertune.identity import Permission
from aftertune.values.alert import Alert
from console.access import ContextOf, guarded_router, needs

router = guarded_router("alerts")


@router.get("/v1/alerts", dependencies=[needs(Permission.READ)])
def list_alerts(context: ContextOf) -> list[Alert]:
    """Newest first."""
    with context.store.read() as tx:
        return tx.alerts.firing()


def safe_link(target: str) -> str:
    """The target if it is an http(s) address, else nothing: an alert's labels can be anybody's.

    A page of the repository, as our own rules name their runbooks, is no address: the console does not serve it.
    """
    if not target.isprintable() or " " in target or "\\" in target:
        return ""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    return target if parts.scheme in ("http", "https") and parts.netloc else ""
