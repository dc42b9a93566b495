"""Rollbacks that a person asks for, and how they went."""

from typing import Annotated

from fastapi import Header, Response

from aftertune.errors import Conflict, IdempotencyReuse
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.rollback import Rollback, RollbackState
from aftertune.values.value import Value
from console.access import ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf, IdempotencyKey, Reason
from console.names import PathName
from console.rollback_choice import rollback_choice
from console.under_way import require_no_rollback

router = guarded_router("rollbacks")


class RollbackOrder(Value):
    """`to` defaults to the last known good release; `leaving`, when given, must still be what would be left."""

    reason: Reason
    to: str | None = None
    leaving: str | None = None


@router.post("/v1/deployments/{name}/rollback", status_code=202, dependencies=[needs(Permission.ROLL_BACK)])
def request_rollback(
    name: PathName,
    body: RollbackOrder,
    acting: ActingOf,
    response: Response,
    idempotency_key: Annotated[IdempotencyKey, Header()],
) -> Rollback:
    """Ask the controller to roll back; the key becomes the rollback's id. Follow it at the URL in Location."""
    rollback = order_rollback(acting, name, idempotency_key, body)
    response.headers["location"] = f"/v1/rollbacks/{rollback.id}"
    return rollback


@router.get("/v1/rollbacks/{rollback}", dependencies=[needs(Permission.READ)])
def get_rollback(rollback: PathName, context: ContextOf) -> Rollback:
    with context.store.read() as tx:
        return tx.rollbacks.get(rollback)


@router.get("/v1/deployments/{name}/rollbacks", dependencies=[needs(Permission.READ)])
def list_rollbacks(name: PathName, context: ContextOf) -> list[Rollback]:
    """Newest first."""
    with context.store.read() as tx:
        tx.deployments.get(name)
        return tx.rollbacks.of(name)


def order_rollback(acting: Acting, name: str, key: str, order: RollbackOrder) -> Rollback:
    """Raises Conflict when there is nothing to roll back to, another one is under way, or what is left changed."""
    with acting.transaction() as tx:
        if not acting.first_time(tx, "request_rollback", name, order):
            return tx.rollbacks.get(key)
        leaving, to = _decided(tx, name, order)
        rollback = Rollback(
            id=key,
            deployment=name,
            actor=acting.actor,
            automatic=False,
            reason=order.reason,
            state=RollbackState.REQUESTED,
            from_release=leaving,
            to_release=to,
            rollout=tx.deployments.get(name).rollout,
            requested_at=acting.at,
        )
        if not tx.rollbacks.add(rollback):
            raise IdempotencyReuse(key)
        evidence = {"rollback": key, "from": leaving, "to": to, "reason": order.reason}
        tx.audit.append(acting.at, acting.actor, "request_rollback", name, evidence)
        return rollback


def _decided(tx: Transaction, name: str, order: RollbackOrder) -> tuple[str, str]:
    """What is left, and where to: empty when the controller shall choose."""
    deployment = tx.deployments.get(name)
    # Two people clicking at once must not go back two steps.
    require_no_rollback(tx, name)
    choice = rollback_choice(deployment, tx.deployments.promotions(name), tx.releases.quarantined())
    if order.leaving is not None and order.leaving != choice.leaving:
        raise Conflict(
            f"{order.leaving} is not in use any more: a rollback of {name} would leave {choice.leaving} now.",
            "Look at the deployment again, then decide again.",
        )
    if choice.best is None:
        obstacles = "; ".join(f"{t.release} is {t.obstacle}" for t in choice.targets)
        raise Conflict(
            f"{name} has no release to go back to. {obstacles}".strip(),
            "Lift a quarantine, or roll a repaired release out.",
        )
    usable = [target.release for target in choice.targets if not target.obstacle]
    if order.to is not None and order.to not in usable:
        raise Conflict(f"{name} cannot go back to {order.to!r}.", f"Possible now: {', '.join(usable)}.")
    return choice.leaving, order.to or ""
