"""The deployments' state machine.

The functions that return a Deployment are pure: they say what an act makes of a deployment, or raise Conflict.
`commit` stores an act: compare-and-swap on the generation, idempotency key and audit entry in one transaction.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aftertune.capture import keeps_payload
from aftertune.errors import Conflict
from aftertune.store import Transaction
from aftertune.values.deployment import Act, Deployment, ShadowRule
from aftertune.values.exchange import CapturePolicy
from aftertune.values.route import MirrorBudget, Mode


def created(name: str, stable: str, capture: CapturePolicy = CapturePolicy.FULL) -> Deployment:
    """A new deployment whose users get `stable`."""
    return Deployment(name=name, generation=1, stable=stable, capture=capture)


def shadow_started(deployment: Deployment, candidate: str, rollout: str, mirror: float) -> Deployment:
    """Copies of a share `mirror` of the requests go to the candidate; its answers are discarded.

    A shadow rule of the candidate ends here: from now on the rollout says what it gets.
    """
    if deployment.candidate is not None:
        raise Conflict(
            f"{deployment.name} already tests {deployment.candidate}.",
            "Abort that rollout or let it end first.",
        )
    if candidate == deployment.stable:
        raise Conflict(f"{candidate} is the stable release of {deployment.name} already.")
    return _next(deployment, candidate=candidate, mode=Mode.SHADOW, mirror=mirror, rollout=rollout)


def canary_started(deployment: Deployment, share: float, mirror: float) -> Deployment:
    """The candidate answers a `share` of the users. Blocked by a freeze."""
    _refuse_frozen(deployment)
    if deployment.mode is not Mode.SHADOW:
        raise Conflict(f"{deployment.name} is not in shadow but {deployment.mode}.")
    return _next(deployment, mode=Mode.CANARY, share=share, mirror=mirror)


def promoted(deployment: Deployment, *, fall_back: bool = False) -> Deployment:
    """The candidate becomes stable, the stable release previous good. Blocked by a freeze.

    `fall_back`, as the candidate's plan says: previous good answers while every engine of stable is down.
    """
    _refuse_frozen(deployment)
    if deployment.mode is not Mode.CANARY or deployment.candidate is None:
        raise Conflict(f"{deployment.name} has no canary to promote.")
    return _without_candidate(
        deployment, stable=deployment.candidate, previous_good=deployment.stable, fall_back=fall_back
    )


def aborted(deployment: Deployment) -> Deployment:
    """The candidate leaves; users go on with stable."""
    if deployment.candidate is None:
        raise Conflict(f"{deployment.name} has no candidate to abort.")
    return _without_candidate(deployment)


def rolled_back(deployment: Deployment, target: str) -> Deployment:
    """All traffic to `target` and no candidate. Never blocked by a freeze.

    With a candidate the target is the stable release; without one it replaces the stable release, and the
    release that was rolled back is nowhere kept as previous good. The candidate is never a target: that
    would be a promotion. Once stable was replaced nothing falls back by itself: no plan said so of the target.
    """
    if target == deployment.candidate:
        raise Conflict(f"{target} is the candidate of {deployment.name}.", "Roll back to another release.")
    if deployment.candidate is None and target == deployment.stable:
        raise Conflict(f"All traffic of {deployment.name} goes to {target} already.")
    previous = deployment.previous_good if target != deployment.previous_good else None
    fall_back = deployment.fall_back and target == deployment.stable
    return _without_candidate(deployment, stable=target, previous_good=previous, fall_back=fall_back)


def frozen(deployment: Deployment, reason: str) -> Deployment:
    """No canary and no promotion until somebody unfreezes."""
    if not reason:
        raise Conflict("A freeze needs a reason.")
    return _next(deployment, frozen=reason)


def unfrozen(deployment: Deployment) -> Deployment:
    if not deployment.frozen:
        raise Conflict(f"{deployment.name} is not frozen.")
    return _next(deployment, frozen="")


def configured(
    deployment: Deployment,
    *,
    capture: CapturePolicy | None = None,
    rename: bool | None = None,
    stored_responses: bool | None = None,
    budget: MirrorBudget | None = None,
    shadows: tuple[ShadowRule, ...] | None = None,
) -> Deployment:
    """Other settings from now on; None leaves one as it is. Neither a rollout nor a freeze stands in the way.

    Raises Conflict when nothing would change, when an open rollout would lose its payloads, or for shadow rules of
    stable, of the candidate, or twice of one release.
    """
    wanted = {
        "capture": capture,
        "rename": rename,
        "stored_responses": stored_responses,
        "budget": budget,
        "shadows": shadows,
    }
    changes = {name: value for name, value in wanted.items() if value is not None}
    if all(getattr(deployment, name) == value for name, value in changes.items()):
        raise Conflict(f"{deployment.name} is set so already; nothing was changed.")
    if capture is not None and not keeps_payload(capture) and deployment.candidate is not None:
        raise Conflict(
            f"{deployment.name} tests {deployment.candidate}, which cannot be judged without payloads.",
            "Abort the rollout first, or capture 'full' or 'redacted'.",
        )
    _refuse_impossible_shadows(deployment, shadows or ())
    return _next(deployment, **changes)


def commit(
    tx: Transaction,
    act: Act,
    before: Deployment | None,
    after: Deployment,
    *,
    actor: str,
    at: datetime,
    key: str | None = None,
    body: Mapping[str, Any] | None = None,
) -> bool:
    """Store the act; False when it was done before under the same key. Raises StaleGeneration, IdempotencyReuse."""
    if key is not None and not tx.deployments.claim_key(key, actor, act, after.name, at):
        return False
    if before is None:
        tx.deployments.add(after)
    else:
        tx.deployments.swap(before, after)
    if before is None or before.stable != after.stable:
        tx.deployments.add_promotion(after.name, after.stable, after.generation, at)
    tx.audit.append(
        at,
        actor,
        act,
        after.name,
        {
            "before": before.model_dump(mode="json") if before else None,
            "after": after.model_dump(mode="json"),
            **(body or {}),
        },
    )
    return True


def _refuse_impossible_shadows(deployment: Deployment, shadows: tuple[ShadowRule, ...]) -> None:
    releases = [rule.release for rule in shadows]
    if twice := {release for release in releases if releases.count(release) > 1}:
        raise Conflict(f"One release has one shadow rule; listed twice: {', '.join(sorted(twice))}.")
    if deployment.stable in releases:
        raise Conflict(f"{deployment.stable} is the stable release of {deployment.name}: it is no shadow.")
    if deployment.candidate in releases:
        raise Conflict(
            f"{deployment.candidate} is the candidate of {deployment.name}: its rollout says what it gets."
        )


def _refuse_frozen(deployment: Deployment) -> None:
    if deployment.frozen:
        raise Conflict(f"{deployment.name} is frozen: {deployment.frozen}.", "Unfreeze it first.")


def _without_candidate(deployment: Deployment, **changes: Any) -> Deployment:
    return _next(deployment, candidate=None, mode=Mode.NONE, share=0.0, mirror=0.0, rollout=None, **changes)


def _next(deployment: Deployment, **changes: Any) -> Deployment:
    """One generation later. The shadow rule of a release that became stable or candidate is dropped with that act."""
    after = {**dict(deployment), **changes, "generation": deployment.generation + 1}
    taken = (after["stable"], after["candidate"])
    after["shadows"] = tuple(rule for rule in after["shadows"] if rule.release not in taken)
    return Deployment.model_validate(after)
