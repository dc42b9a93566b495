"""Where a rollback that a person asks for could go. Pure; the controller chooses again when it acts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from aftertune.store.deployments import Promotion
from aftertune.values.deployment import Deployment
from aftertune.values.value import Value


class Target(Value):
    """`obstacle` says why it cannot be chosen; empty when it can."""

    release: str
    promoted_at: datetime
    generation: int
    good_because: str
    obstacle: str = ""


class Choice(Value):
    """`leaving` is what would be rolled back and quarantined; `targets` are in order of preference."""

    leaving: str
    targets: tuple[Target, ...]

    @property
    def best(self) -> Target | None:
        return next((target for target in self.targets if not target.obstacle), None)


def rollback_choice(
    deployment: Deployment, promotions: Sequence[Promotion], quarantined: Mapping[str, str]
) -> Choice:
    """With a candidate, users go back to stable; without one, to a release that was stable before.

    `promotions` are newest first. The previous good release is preferred, then the one promoted last.
    """
    if deployment.candidate is not None:
        possible = [p for p in promotions if p.release == deployment.stable][:1]
    else:
        latest = {p.release: p for p in reversed(promotions) if p.release != deployment.stable}
        possible = sorted(
            latest.values(), key=lambda p: (p.release == deployment.previous_good, p.generation), reverse=True
        )
    return Choice(
        leaving=deployment.candidate or deployment.stable,
        targets=tuple(_target(p, deployment, quarantined.get(p.release)) for p in possible),
    )


def _target(promotion: Promotion, deployment: Deployment, quarantine: str | None) -> Target:
    if promotion.release == deployment.stable:
        because = "users outside the canary get its answers now"
    elif promotion.release == deployment.previous_good:
        because = "it was stable just before"
    else:
        because = "it was stable before"
    return Target(
        release=promotion.release,
        promoted_at=promotion.at,
        generation=promotion.generation,
        good_because=because,
        obstacle="" if quarantine is None else f"in quarantine: {quarantine}",
    )
