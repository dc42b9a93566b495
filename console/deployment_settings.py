"""What can change on a deployment while it serves: shadows, budgets, the name in answers, and what is captured.

Shadows and budgets are for those who run rollouts. What is captured is a decision about users' privacy and about
evidence, either way, and is for approvers.
"""

from typing import Annotated

from pydantic import Field

from aftertune.deployments import commit, configured
from aftertune.errors import StaleGeneration
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.deployment import Act, Deployment, ShadowRule
from aftertune.values.exchange import CapturePolicy
from aftertune.values.route import MirrorBudget
from aftertune.values.value import Value
from console.access import CallerOf, guarded_router, needs
from console.acting import Acting, ActingOf, Reason
from console.deployments import DeploymentView, deployment_view
from console.fitness import require_sound
from console.names import PathName

router = guarded_router("deployments")

MOST_SHADOWS = 8
"""Each costs a whole answer of an engine."""


class NewSettings(Value):
    """Only what is given changes. `shadows` are all of them: one that is left out ends.

    `generation`: the one that was looked at; if the deployment has moved on since, nothing is changed.
    """

    generation: int | None = Field(default=None, ge=1)
    rename: bool | None = None
    stored_responses: bool | None = None
    budget: MirrorBudget | None = None
    shadows: Annotated[tuple[ShadowRule, ...], Field(max_length=MOST_SHADOWS)] | None = None
    reason: Reason | None = None


class NewCapture(Value):
    capture: CapturePolicy
    reason: Reason


@router.patch("/v1/deployments/{name}", dependencies=[needs(Permission.RUN_ROLLOUT)])
def configure(name: PathName, body: NewSettings, acting: ActingOf, caller: CallerOf) -> DeploymentView:
    """In force at every router within about a second. A new shadow must be ready and not in quarantine."""
    with acting.transaction() as tx:
        if acting.first_time(tx, Act.CONFIGURE, name, body):
            before = tx.deployments.get(name)
            if body.generation not in (None, before.generation):
                raise StaleGeneration(name, body.generation or 0)
            known = {rule.release for rule in before.shadows}
            for rule in body.shadows or ():
                if rule.release not in known:
                    require_sound(tx, rule.release)
            after = configured(
                before,
                rename=body.rename,
                stored_responses=body.stored_responses,
                budget=body.budget,
                shadows=body.shadows,
            )
            _commit(tx, acting, before, after, body.reason)
        return deployment_view(tx, caller, name, acting.at)


@router.post("/v1/deployments/{name}/capture", dependencies=[needs(Permission.SET_CAPTURE)])
def set_capture(name: PathName, body: NewCapture, acting: ActingOf, caller: CallerOf) -> DeploymentView:
    """Of requests from now on; what was stored before stays. Refused where an open rollout needs payloads."""
    with acting.transaction() as tx:
        if acting.first_time(tx, Act.CONFIGURE, name, body):
            before = tx.deployments.get(name)
            _commit(tx, acting, before, configured(before, capture=body.capture), body.reason)
        return deployment_view(tx, caller, name, acting.at)


def _commit(
    tx: Transaction, acting: Acting, before: Deployment, after: Deployment, reason: str | None
) -> None:
    evidence = {"reason": reason} if reason else {}
    commit(tx, Act.CONFIGURE, before, after, actor=acting.actor, at=acting.at, body=evidence)
