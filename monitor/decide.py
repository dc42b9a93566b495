"""What the controller does next with a rollout. Inside an approved plan it goes forward; by itself it only goes back."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from aftertune.values.deployment import Deployment
from aftertune.values.evaluation import RunState
from aftertune.values.release import EngineState
from aftertune.values.rollout import Rollout, RolloutState, Stage
from aftertune.values.verdict import Outcome, Verdict
from monitor.judge import GUARDRAIL, is_waived


class Decision(StrEnum):
    WAIT = "wait"
    HOLD = "hold"
    START_CANARY = "start_canary"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"


class Suite(NamedTuple):
    """A suite that the plan wants passed before promotion: its run's state, None when there is no run, and reason."""

    name: str
    state: RunState | None
    reason: str


class Candidate(NamedTuple):
    """What the store says of the release under test: why it is in quarantine, None when it is not, and its engine.

    `suites` are those of the plan, in its order.
    """

    quarantine: str | None
    engine: EngineState | None
    suites: tuple[Suite, ...] = ()


class Decided(NamedTuple):
    decision: Decision
    reason: str


def decide(
    rollout: Rollout,
    deployment: Deployment,
    verdict: Verdict,
    candidate: Candidate,
    canary_answers: int,
    now: datetime,
) -> Decided:
    """`canary_answers` counts scored answers to users. A held rollout moves only back, or on by an override in shadow."""
    if rollout.state not in (RolloutState.RUNNING, RolloutState.HELD):
        return Decided(Decision.WAIT, f"The rollout is {rollout.state}.")
    if deployment.rollout != rollout.id:
        return Decided(Decision.WAIT, f"{deployment.name} is not on this rollout any more.")
    if rollout.stage is Stage.SHADOW:
        return _in_shadow(rollout, deployment, verdict, candidate, now)
    return _in_canary(rollout, deployment, verdict, candidate, canary_answers, now)


def _in_shadow(
    rollout: Rollout, deployment: Deployment, verdict: Verdict, candidate: Candidate, now: datetime
) -> Decided:
    if is_waived(rollout):
        return _forward(Decision.START_CANARY, rollout, deployment, candidate, "The comparison is waived.")
    if rollout.state is RolloutState.HELD:
        return Decided(Decision.WAIT, f"Held for a person: {rollout.reason}")
    if verdict.outcome is Outcome.FAIL:
        return Decided(Decision.HOLD, _because(verdict))
    if verdict.outcome is Outcome.PASS:
        return _forward(Decision.START_CANARY, rollout, deployment, candidate, _because(verdict))
    return _wait_or_hold(rollout, rollout.plan.shadow.deadline_s, _because(verdict), now)


def _in_canary(
    rollout: Rollout,
    deployment: Deployment,
    verdict: Verdict,
    candidate: Candidate,
    canary_answers: int,
    now: datetime,
) -> Decided:
    if failed := _harm(rollout, verdict):
        return Decided(Decision.ROLL_BACK, failed)
    if candidate.quarantine is not None:
        return Decided(Decision.ROLL_BACK, _unfit(rollout, candidate))
    if rollout.state is RolloutState.HELD:
        return Decided(Decision.WAIT, f"Held for a person: {rollout.reason}")
    if failing := [suite for suite in candidate.suites if suite.state is RunState.FAILED]:
        return Decided(
            Decision.HOLD, " ".join(f"The suite {suite.name} failed. {suite.reason}" for suite in failing)
        )
    wanted = rollout.plan.canary.min_answers
    passed = verdict.outcome is Outcome.PASS and canary_answers >= wanted
    missing = _not_passed(candidate)
    if passed and not missing:
        reason = f"{canary_answers} answers to users. {_because(verdict)}"
        return _forward(Decision.PROMOTE, rollout, deployment, candidate, reason)
    reason = f"{_because(verdict)} {missing}".strip()
    return _wait_or_hold(rollout, rollout.plan.canary.deadline_s, reason, now)


def _harm(rollout: Rollout, verdict: Verdict) -> str:
    """The reasons of failed guardrails, and of failed comparisons unless they are waived."""
    failed = [m for m in verdict.measurements if m.outcome is Outcome.FAIL]
    waived = is_waived(rollout)
    return " ".join(m.reason for m in failed if m.check == GUARDRAIL or not waived)


def _not_passed(candidate: Candidate) -> str:
    """Which suites are still to be passed, and why; empty when none is."""
    missing = [suite for suite in candidate.suites if suite.state is not RunState.SUCCESSFUL]
    return " ".join(
        f"The suite {suite.name} is {suite.state or 'not begun'}. {suite.reason}".strip() for suite in missing
    )


def _unfit(rollout: Rollout, candidate: Candidate) -> str:
    """Why no user may get the candidate's answers; empty when they may."""
    if candidate.quarantine is not None:
        return f"{rollout.candidate} is in quarantine: {candidate.quarantine}."
    if candidate.engine is not EngineState.READY:
        return f"The engine of {rollout.candidate} is {candidate.engine or 'not running'}."
    return ""


def _forward(
    decision: Decision, rollout: Rollout, deployment: Deployment, candidate: Candidate, reason: str
) -> Decided:
    if not rollout.approved:
        return Decided(
            Decision.WAIT,
            f"{reason} Waits for {Rollout.required_approvals} approvals of the plan by people other than "
            f"{rollout.requester}.",
        )
    if deployment.frozen:
        return Decided(Decision.WAIT, f"{reason} {deployment.name} is frozen: {deployment.frozen}.")
    if unfit := _unfit(rollout, candidate):
        return Decided(Decision.WAIT, f"{reason} {unfit}")
    return Decided(decision, reason)


def _wait_or_hold(rollout: Rollout, deadline_s: float, reason: str, now: datetime) -> Decided:
    if now - rollout.stage_since < timedelta(seconds=deadline_s):
        return Decided(Decision.WAIT, reason)
    return Decided(Decision.HOLD, f"No decision after {deadline_s:g} s in {rollout.stage}. {reason}")


def _because(verdict: Verdict) -> str:
    return " ".join(verdict.reasons) or f"The verdict is {verdict.outcome}: nothing was measured."
