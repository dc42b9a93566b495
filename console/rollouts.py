"""Rollouts: a candidate's journey, the people who approve it and the checks they waive."""

from typing import Annotated

from fastapi import Query

from aftertune.capture import keeps_payload
from aftertune.deployments import aborted, commit, shadow_started
from aftertune.errors import BadInput, Conflict, UnknownName
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.deployment import Act, Deployment
from aftertune.values.plan import COMPARISON, GuardrailMetric, Plan
from aftertune.values.rollout import Approval, Override, Rollout, RolloutState, Stage
from aftertune.values.value import Value
from aftertune.values.verdict import Verdict
from console.access import ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf, Reason
from console.fitness import require_fit
from console.names import PathName
from console.suites import require_known_suites
from console.under_way import require_no_rollback

router = guarded_router("rollouts")


class RolloutView(Value):
    """`approved`: two people other than the requester approved exactly this plan. Verdicts are newest first."""

    rollout: Rollout
    plan_digest: str
    approved: bool
    required_approvals: int = Rollout.required_approvals
    verdicts: tuple[Verdict, ...]

    @property
    def verdict(self) -> Verdict | None:
        return self.verdicts[0] if self.verdicts else None


class PlanApproval(Value):
    plan: str


class Waiver(Value):
    check: str
    reason: Reason


class Abortion(Value):
    reason: Reason


@router.post("/v1/rollouts", status_code=201, dependencies=[needs(Permission.RUN_ROLLOUT)])
def start_rollout(body: Plan, acting: ActingOf) -> RolloutView:
    """The candidate enters as shadow at once; two approvals of the plan's digest let it go further."""
    rollout_id = acting.new_id("ro")
    with acting.transaction() as tx:
        if acting.first_time(tx, Act.START_SHADOW, body.deployment, body):
            _start(tx, acting, rollout_id, body)
        return rollout_view(tx, rollout_id)


@router.get("/v1/rollouts", dependencies=[needs(Permission.READ)])
def list_rollouts(
    context: ContextOf, deployment: Annotated[str | None, Query(max_length=128)] = None
) -> list[Rollout]:
    """Newest first; of one deployment, or of all."""
    with context.store.read() as tx:
        if deployment is not None:
            return tx.rollouts.of(tx.deployments.get(deployment).name)
        found = [rollout for each in tx.deployments.all() for rollout in tx.rollouts.of(each.name)]
        return sorted(found, key=lambda rollout: rollout.created_at, reverse=True)


@router.get("/v1/rollouts/{rollout}", dependencies=[needs(Permission.READ)])
def get_rollout(rollout: PathName, context: ContextOf) -> RolloutView:
    with context.store.read() as tx:
        return rollout_view(tx, rollout)


@router.post(
    "/v1/rollouts/{rollout}/approvals", status_code=201, dependencies=[needs(Permission.APPROVE_PLAN)]
)
def approve_plan(rollout: PathName, body: PlanApproval, acting: ActingOf) -> RolloutView:
    """Two people approve a plan by its digest; who asked for the rollout cannot."""
    with acting.transaction() as tx:
        if acting.first_time(tx, "approve_plan", rollout, body):
            found = _open(tx, rollout)
            if body.plan != found.plan.digest():
                raise Conflict(
                    f"The plan of {rollout} has another digest than the one sent.",
                    f"Read GET /v1/rollouts/{rollout} and approve its plan_digest.",
                )
            tx.rollouts.approve(found, Approval(approver=acting.actor, plan=body.plan, at=acting.at))
            evidence = {"rollout": rollout, "plan": body.plan}
            tx.audit.append(acting.at, acting.actor, "approve_plan", found.deployment, evidence)
        return rollout_view(tx, rollout)


@router.post(
    "/v1/rollouts/{rollout}/overrides", status_code=201, dependencies=[needs(Permission.OVERRIDE_CHECK)]
)
def override_check(rollout: PathName, body: Waiver, acting: ActingOf) -> RolloutView:
    """Waive the comparison, by name and with a reason. Guardrails cannot be waived."""
    if body.check == "guardrail" or body.check in list(GuardrailMetric):
        raise BadInput(
            f"{body.check!r} is a guardrail; guardrails cannot be waived.",
            f"Abort the rollout, or waive the check {COMPARISON!r}.",
        )
    if body.check != COMPARISON:
        raise UnknownName("check", body.check, (COMPARISON,))
    with acting.transaction() as tx:
        if acting.first_time(tx, "override_check", rollout, body):
            found = _open(tx, rollout)
            tx.rollouts.override(
                found, Override(check=body.check, actor=acting.actor, reason=body.reason, at=acting.at)
            )
            evidence = {"rollout": rollout, "check": body.check, "reason": body.reason}
            tx.audit.append(acting.at, acting.actor, "override_check", found.deployment, evidence)
        return rollout_view(tx, rollout)


@router.post("/v1/rollouts/{rollout}/abort", dependencies=[needs(Permission.RUN_ROLLOUT)])
def abort_rollout(rollout: PathName, body: Abortion, acting: ActingOf) -> RolloutView:
    """The candidate leaves and is not quarantined; users go on with stable. Refused during a rollback."""
    with acting.transaction() as tx:
        if acting.first_time(tx, Act.ABORT, rollout, body):
            found = _open(tx, rollout)
            # A rollback that finds the candidate gone would leave the stable release instead.
            require_no_rollback(tx, found.deployment)
            before = tx.deployments.get(found.deployment)
            if before.rollout != found.id:
                raise Conflict(f"{found.deployment} does not follow the rollout {rollout} any more.")
            tx.rollouts.save(found.model_copy(update={"state": RolloutState.ABORTED, "reason": body.reason}))
            evidence = {"rollout": rollout, "reason": body.reason}
            commit(tx, Act.ABORT, before, aborted(before), actor=acting.actor, at=acting.at, body=evidence)
        return rollout_view(tx, rollout)


def rollout_view(tx: Transaction, rollout: str, verdicts: int = 20) -> RolloutView:
    found = tx.rollouts.get(rollout)
    return RolloutView(
        rollout=found,
        plan_digest=found.plan.digest(),
        approved=found.approved,
        verdicts=tuple(tx.verdicts.of(rollout, verdicts)),
    )


def _start(tx: Transaction, acting: Acting, rollout_id: str, plan: Plan) -> None:
    before = tx.deployments.get(plan.deployment)
    require_no_rollback(tx, before.name)
    _require_payloads(before)
    require_known_suites(tx, plan.evaluations)
    require_fit(tx, plan.candidate)
    after = shadow_started(before, plan.candidate, rollout_id, plan.shadow.mirror)
    tx.rollouts.add(
        Rollout(
            id=rollout_id,
            deployment=plan.deployment,
            candidate=plan.candidate,
            baseline=before.stable,
            plan=plan,
            requester=acting.actor,
            state=RolloutState.RUNNING,
            stage=Stage.SHADOW,
            stage_since=acting.at,
            created_at=acting.at,
        )
    )
    evidence = {"rollout": rollout_id, "plan": plan.digest()}
    commit(tx, Act.START_SHADOW, before, after, actor=acting.actor, at=acting.at, body=evidence)


def _require_payloads(deployment: Deployment) -> None:
    if not keeps_payload(deployment.capture):
        raise Conflict(
            f"{deployment.name} captures {str(deployment.capture)!r}: without payloads no candidate can be judged.",
            "Let an approver set its capture to 'redacted' or 'full'.",
        )


def _open(tx: Transaction, rollout: str) -> Rollout:
    found = tx.rollouts.get(rollout)
    if found.state not in (RolloutState.RUNNING, RolloutState.HELD):
        raise Conflict(f"The rollout {rollout} is {found.state.replace('_', ' ')}; nothing can change it.")
    return found
