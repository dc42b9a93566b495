"""A candidate's journey: shadow, approvals, canary, and wherever that leads."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aftertune.values.plan import COMPARISON
from aftertune.values.rollback import RollbackState
from aftertune.values.rollout import RolloutState
from aftertune.values.verdict import Outcome
from examples.task_api.narrator import Narrator, until
from examples.task_api.people import People
from examples.task_api.plans import DEPLOYMENT, demo_plan

JOURNEY_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Journey:
    """What became of one candidate. `shadow` is the judge's first final word on it."""

    candidate: str
    shadow: Outcome | None
    state: RolloutState
    rollback: dict[str, Any] | None
    quarantined: bool


def try_candidate(narrator: Narrator, people: People, candidate: str, *, override: str | None) -> Journey:
    """`override`: the reason to waive a failed comparison; without one a held rollout is aborted."""
    operator = people.operator
    plan = demo_plan(candidate)
    rollout = operator.post("/v1/rollouts", plan.model_dump(mode="json"))["rollout"]
    narrator.say(f"{candidate} enters as shadow; rollout {rollout['id']}, plan {plan.digest()[:12]}:")
    narrator.say(f"  {json.dumps(plan.model_dump(mode='json', exclude={'deployment', 'candidate'}))}")
    for approver in people.approvers:
        approver.post(f"/v1/rollouts/{rollout['id']}/approvals", {"plan": plan.digest()})
    narrator.say("  plan approved by anna and ben")
    shadow, state = _follow(narrator, people, candidate, rollout["id"], override)
    rollback = _wait_for_proof(people, rollout["id"]) if state is RolloutState.ROLLED_BACK else None
    release = operator.get(f"/v1/releases/{candidate}")
    return Journey(candidate, shadow, state, rollback, bool(release["quarantine"]))


def expect_proof(narrator: Narrator, journey: Journey) -> None:
    rollback = journey.rollback
    proven = rollback is not None and rollback["state"] == RollbackState.COMPLETED
    narrator.expect(proven, f"the rollback of {journey.candidate} is proven on every router")
    if rollback is None or rollback["first_bad_at"] is None or rollback["finished_at"] is None:
        return
    start = datetime.fromisoformat(rollback["first_bad_at"])
    decided, switched, finished = (
        (datetime.fromisoformat(rollback[name]) - start).total_seconds()
        for name in ("requested_at", "switched_at", "finished_at")
    )
    narrator.say(
        f"  from the first bad answer: decided after {decided:.2f} s, switched after {switched:.2f} s, "
        f"proven after {finished:.2f} s"
    )


def _follow(
    narrator: Narrator, people: People, candidate: str, rollout_id: str, override: str | None
) -> tuple[Outcome | None, RolloutState]:
    shadow: Outcome | None = None
    seen = ""
    for _ in until(JOURNEY_TIMEOUT_S, f"the rollout of {candidate}"):
        view = people.operator.get(f"/v1/rollouts/{rollout_id}")
        rollout, verdicts = view["rollout"], view["verdicts"]
        verdict = verdicts[0] if verdicts else None
        if verdict and (line := _verdict_line(verdict)) != seen:
            narrator.say(f"  {line}")
            seen = line
        if shadow is None and (word := _shadow_word(verdicts)) is not None:
            shadow = Outcome(word["outcome"])
            narrator.say(f"  the judge on {candidate} in shadow: {shadow.upper()}")
            for measurement in word["measurements"]:
                narrator.say(f"    {measurement['reason']}")
        state = RolloutState(rollout["state"])
        if state is RolloutState.HELD:
            _decide_on_hold(narrator, people, rollout, override)
        if state not in (RolloutState.RUNNING, RolloutState.HELD):
            narrator.say(f"  rollout of {candidate}: {state}. {rollout['reason']}")
            break
    return shadow, state


def _decide_on_hold(
    narrator: Narrator, people: People, rollout: dict[str, Any], override: str | None
) -> None:
    if override is None:
        people.operator.post(
            f"/v1/rollouts/{rollout['id']}/abort",
            {"reason": f"held, nothing to go on: {rollout['reason']}"[:200]},
        )
    elif not rollout["overrides"]:
        narrator.say(f'  anna waives the check "{COMPARISON}": {override}')
        people.approvers[0].post(
            f"/v1/rollouts/{rollout['id']}/overrides", {"check": COMPARISON, "reason": override}
        )


def _wait_for_proof(people: People, rollout_id: str) -> dict[str, Any]:
    for _ in until(60.0, "the proof of the rollback"):
        rollbacks = people.operator.get(f"/v1/deployments/{DEPLOYMENT}/rollbacks")
        rollback: dict[str, Any] = next(r for r in rollbacks if r["rollout"] == rollout_id)
        if RollbackState(rollback["state"]).final:
            break
    return rollback


def _verdict_line(verdict: dict[str, Any]) -> str:
    parts = [
        f"{m['metric']} {m['estimate']:+.3f} [{m['low']:+.3f}, {m['high']:+.3f}] n={m['n']}"
        for m in verdict["measurements"]
        if m["estimate"] is not None and m["low"] is not None
    ]
    return f"{verdict['stage']}: {verdict['outcome']}; {'; '.join(parts) or 'nothing measured yet'}"


def _shadow_word(verdicts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The judge's first pass or fail in shadow; verdicts are newest first."""
    final = [v for v in verdicts if v["stage"] == "shadow" and v["outcome"] in (Outcome.PASS, Outcome.FAIL)]
    return final[-1] if final else None
