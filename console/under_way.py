"""The rollback that a deployment is in the middle of."""

from aftertune.errors import Conflict
from aftertune.store import Transaction
from aftertune.values.rollback import Rollback


def rollback_under_way(tx: Transaction, deployment: str) -> Rollback | None:
    return next((other for other in tx.rollbacks.unfinished() if other.deployment == deployment), None)


def require_no_rollback(tx: Transaction, deployment: str) -> None:
    """Raises Conflict while one is under way: it must leave the release that was in use when it was asked for."""
    if other := rollback_under_way(tx, deployment):
        raise Conflict(
            f"A rollback of {deployment} by {other.actor} is under way.",
            f"Follow it: /v1/rollbacks/{other.id}.",
        )
