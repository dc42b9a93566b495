"""Drift of a deployment, and starting its watch anew."""

from typing import Annotated

from fastapi import Query

from aftertune.errors import Conflict
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.drift import DriftReading
from aftertune.values.value import Value
from console.access import ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf, Reason
from console.names import PathName

router = guarded_router("drift")

READINGS = 200


class DriftView(Value):
    """`reading` is the newest of `readings`, which are newest first.

    `watched` is False before the first exchange, and from relearning until the next one.
    """

    reading: DriftReading | None
    readings: tuple[DriftReading, ...]
    watched: bool


class Relearning(Value):
    reason: Reason


@router.get("/v1/deployments/{name}/drift", dependencies=[needs(Permission.READ)])
def get_drift(
    name: PathName, context: ContextOf, limit: Annotated[int, Query(ge=1, le=1000)] = READINGS
) -> DriftView:
    with context.store.read() as tx:
        return drift_view(tx, name, limit)


@router.post("/v1/deployments/{name}/drift/relearn", dependencies=[needs(Permission.RUN_ROLLOUT)])
def relearn_drift(name: PathName, body: Relearning, acting: ActingOf) -> DriftView:
    """Drop the reference: the next exchanges make a new one, and an alarm ends."""
    return order_relearning(acting, name, body)


def drift_view(tx: Transaction, name: str, limit: int = READINGS) -> DriftView:
    deployment = tx.deployments.get(name).name
    readings = tx.drift.readings(deployment, limit)
    return DriftView(
        reading=readings[0] if readings else None,
        readings=tuple(readings),
        watched=deployment in tx.drift.watched(),
    )


def order_relearning(acting: Acting, name: str, body: Relearning) -> DriftView:
    """Raises Conflict when there is no reference to drop."""
    with acting.transaction() as tx:
        if acting.first_time(tx, "relearn_drift", name, body):
            before = drift_view(tx, name, 1)
            if not before.watched:
                raise Conflict(f"{name} has no reference yet.", "The next exchanges make one.")
            tx.drift.forget_watch(name)
            evidence = {
                "reason": body.reason,
                "state": before.reading.state if before.reading else None,
                "reference": before.reading.reference_digest if before.reading else "",
            }
            tx.audit.append(acting.at, acting.actor, "relearn_drift", name, evidence)
        return drift_view(tx, name)
