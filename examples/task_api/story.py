"""The main job, step by step: register, route, mirror, judge, roll back, promote.

The story acts only as its people could: through the console's API and the router. It decides nothing; it asks what
was decided and says whether that was expected.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from aftertune.errors import Unavailable
from aftertune.values.plan import COMPARISON
from aftertune.values.release import EngineState, ReleaseState
from aftertune.values.rollback import RollbackState
from aftertune.values.rollout import RolloutState
from aftertune.values.verdict import Outcome
from examples.task_api.people import People
from examples.task_api.plans import DEPLOYMENT, demo_plan
from examples.task_api.traffic import Traffic

HERE = Path(__file__).parent
READY_TIMEOUT_S = 240.0
JOURNEY_TIMEOUT_S = 240.0
PAUSE_S = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True)
class Journey:
    """What became of one candidate. `shadow` is the judge's first final word on it."""

    candidate: str
    shadow: Outcome | None
    state: RolloutState
    rollback: dict[str, Any] | None
    quarantined: bool


@dataclass
class Story:
    """Collects expectations that did not hold in `surprises`; an empty list is success.

    `models` holds `base/` and `adapters/<release>/`.
    """

    people: People
    traffic: Traffic
    say: Say
    models: Path = HERE
    surprises: list[str] = field(default_factory=list)

    def expect(self, holds: bool, what: str) -> None:
        self.say(f"{'✓' if holds else '✗ NOT AS EXPECTED:'} {what}")
        if not holds:
            self.surprises.append(what)

    def register(self, release: str, *, wait: bool = True) -> None:
        """Merge base and adapter, prove it, start the engine."""
        self.say(f"registering {release}: base + adapter → merged weights")
        self.people.operator.post(
            "/v1/releases",
            {
                "id": release,
                "base": str(self.models / "base"),
                "adapter": str(self.models / "adapters" / release),
            },
        )
        if wait:
            self.wait_until_ready(release)

    def wait_until_ready(self, release: str) -> None:
        """Until its engine answers; shows the proof in its passport."""
        seen = ""
        for _ in _until(READY_TIMEOUT_S, f"the engine of {release}"):
            view = self.people.operator.get(f"/v1/releases/{release}")
            status, engine = view["release"], (view["engine"] or {}).get("state", "not started")
            if (now := f"{status['state']}, engine {engine}") != seen:
                self.say(f"  {release}: {now}")
                seen = now
            if status["state"] == ReleaseState.REJECTED or engine == EngineState.FAILED:
                self.expect(False, f"{release} becomes ready: {status['reason']} {view['engine']}")
                raise Unavailable(f"{release} did not become ready.")
            if engine == EngineState.READY:
                break
        proof = status["passport"]["proof"]
        self.expect(
            proof["max_logit_difference"] <= proof["tolerance"],
            f"merged = base + adapter on {proof['prompts']} probe prompts: largest logit difference "
            f"{proof['max_logit_difference']:.2e} (tolerance {proof['tolerance']:.0e}); "
            f"passport {status['passport']['merged_digest'][:12]}",
        )

    def make_stable(self, release: str) -> None:
        deployment = self.people.operator.post("/v1/deployments", {"name": DEPLOYMENT, "stable": release})
        generation = deployment["deployment"]["generation"]
        self.say(f"deployment {DEPLOYMENT}: users get {release}, generation {generation}")

    def send_traffic(self, seconds: float, stable: str) -> None:
        """Users talk to the stable release for a while."""
        self.traffic.start()
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            time.sleep(2.5)
            tally = self.traffic.tally
            self.say(f"  {tally.answers} answers, {tally.streamed} streamed, {tally.tool_calls} tool calls")
        tally = self.traffic.tally
        self.expect(
            tally.streamed > 0 and tally.tool_calls > 0 and tally.answers > tally.with_tools,
            f"{tally.conversations} conversations: streaming and not, with and without tools",
        )
        self.expect(
            not tally.failures and set(tally.by_release) == {stable},
            f"every answer came from {stable}; failures: {dict(tally.failures) or 'none'}",
        )

    def try_candidate(self, candidate: str, *, override: str | None) -> Journey:
        """Shadow, approvals, canary, and wherever that leads. `override`: the reason to waive a failed comparison."""
        operator = self.people.operator
        plan = demo_plan(candidate)
        rollout = operator.post("/v1/rollouts", plan.model_dump(mode="json"))["rollout"]
        self.say(f"{candidate} enters as shadow; rollout {rollout['id']}, plan {plan.digest()[:12]}:")
        self.say(f"  {json.dumps(plan.model_dump(mode='json', exclude={'deployment', 'candidate'}))}")
        for approver in self.people.approvers:
            approver.post(f"/v1/rollouts/{rollout['id']}/approvals", {"plan": plan.digest()})
        self.say("  plan approved by anna and ben")
        return self._follow(candidate, rollout["id"], override)

    def _follow(self, candidate: str, rollout_id: str, override: str | None) -> Journey:
        shadow: Outcome | None = None
        seen = ""
        for _ in _until(JOURNEY_TIMEOUT_S, f"the rollout of {candidate}"):
            view = self.people.operator.get(f"/v1/rollouts/{rollout_id}")
            rollout, verdicts = view["rollout"], view["verdicts"]
            verdict = verdicts[0] if verdicts else None
            if verdict and (line := _verdict_line(verdict)) != seen:
                self.say(f"  {line}")
                seen = line
            if shadow is None and (word := _shadow_word(verdicts)) is not None:
                shadow = Outcome(word["outcome"])
                self.say(f"  the judge on {candidate} in shadow: {shadow.upper()}")
                for measurement in word["measurements"]:
                    self.say(f"    {measurement['reason']}")
            state = RolloutState(rollout["state"])
            if state is RolloutState.HELD:
                if override is None:
                    self.people.operator.post(
                        f"/v1/rollouts/{rollout_id}/abort", {"reason": "held: no reason to go on"}
                    )
                elif not rollout["overrides"]:
                    self.say(f'  anna waives the check "{COMPARISON}": {override}')
                    self.people.approvers[0].post(
                        f"/v1/rollouts/{rollout_id}/overrides", {"check": COMPARISON, "reason": override}
                    )
            if state not in (RolloutState.RUNNING, RolloutState.HELD):
                self.say(f"  rollout of {candidate}: {state}. {rollout['reason']}")
                break
        rollback = self._wait_for_proof(rollout_id) if state is RolloutState.ROLLED_BACK else None
        release = self.people.operator.get(f"/v1/releases/{candidate}")
        return Journey(candidate, shadow, state, rollback, bool(release["quarantine"]))

    def _wait_for_proof(self, rollout_id: str) -> dict[str, Any]:
        for _ in _until(30.0, "the proof of the rollback"):
            rollbacks = self.people.operator.get(f"/v1/deployments/{DEPLOYMENT}/rollbacks")
            rollback: dict[str, Any] = next(r for r in rollbacks if r["rollout"] == rollout_id)
            if RollbackState(rollback["state"]).final:
                break
        return rollback

    def tell(self, careless: str = "v2", better: str = "v3", good: str = "v1") -> tuple[Journey, Journey]:
        """The whole story. `careless` is expected to fail and `better` to be promoted; neither is told to the system."""
        self.say(f"1. {good}, from base and adapter to users")
        self.register(good)
        self.make_stable(good)
        self.say("2. traffic through the router, from the real openai client")
        self.send_traffic(10.0, good)
        self.say(f"3. {careless} enters as shadow")
        self.register(careless)
        first = self.try_candidate(careless, override="demo: show that the canary protects itself")
        self.expect(first.shadow is Outcome.FAIL, f"the judge fails {careless} in shadow")
        self.expect(
            first.state is RolloutState.ROLLED_BACK and first.quarantined,
            f"the controller rolled {careless} back by itself and quarantined it",
        )
        self._expect_proof(first)
        self.say(f"4. {better} goes shadow → canary → stable")
        self.register(better)
        second = self.try_candidate(better, override=None)
        self.expect(second.shadow is Outcome.PASS, f"the judge passes {better} in shadow")
        deployment = self.people.operator.get(f"/v1/deployments/{DEPLOYMENT}")["deployment"]
        self.expect(
            second.state is RolloutState.PROMOTED and deployment["stable"] == better,
            f"{better} is stable, {deployment['previous_good']} previous good, "
            f"generation {deployment['generation']}",
        )
        self.traffic.stop()
        tally = self.traffic.tally
        self.expect(
            not tally.failures,
            f"{tally.answers} answers to users in {tally.conversations} conversations by "
            f"{dict(tally.by_release)}; failures: {dict(tally.failures) or 'none'}",
        )
        audit = self.people.operator.get("/v1/audit/verification")
        self.expect(
            audit["ok"], f"audit chain of {audit['entries']} entries verifies, head {audit['head'][:12]}"
        )
        return first, second

    def _expect_proof(self, journey: Journey) -> None:
        rollback = journey.rollback
        proven = rollback is not None and rollback["state"] == RollbackState.COMPLETED
        self.expect(proven, f"the rollback of {journey.candidate} is proven on every router")
        if rollback is None or rollback["first_bad_at"] is None or rollback["finished_at"] is None:
            return
        start = datetime.fromisoformat(rollback["first_bad_at"])
        decided, switched, finished = (
            (datetime.fromisoformat(rollback[name]) - start).total_seconds()
            for name in ("requested_at", "switched_at", "finished_at")
        )
        self.say(
            f"  from the first bad answer: decided after {decided:.2f} s, switched after {switched:.2f} s, "
            f"proven after {finished:.2f} s"
        )


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


def _until(seconds: float, what: str) -> Any:
    """Ticks until the time is over; then raises Unavailable."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(PAUSE_S)
    raise Unavailable(f"Waited {seconds:.0f} s for {what}.", "Look at the logs folder of the home folder.")
