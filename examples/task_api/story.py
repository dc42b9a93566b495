"""The whole loop, step by step: register, evaluate, route, mirror, judge, roll back, promote, watch, report.

The story acts only as its people could: through the console's API, the command line and the router. It decides
nothing; it asks what was decided and says whether that was expected.
"""

import time
from pathlib import Path

from aftertune.values.rollout import RolloutState
from aftertune.values.verdict import Outcome
from examples.task_api import drift, release, report, rollout
from examples.task_api.narrator import Narrator, Say
from examples.task_api.people import People
from examples.task_api.plans import DEPLOYMENT, demo_plan
from examples.task_api.rollout import Journey
from examples.task_api.traffic import Traffic

HERE = Path(__file__).parent
SPEC = HERE / "v1.yaml"
OVERRIDE = "demo: show that the canary protects itself"
WAIVER = "demo: show what the judge says of it"
FIRST_ANSWERS = 50
"""As many show every kind of request."""


class Story:
    """`models` holds `base/` and `adapters/<release>/`; every release must pass `suites`."""

    def __init__(
        self,
        people: People,
        traffic: Traffic,
        say: Say,
        models: Path = HERE,
        suites: tuple[str, ...] = release.SUITES,
    ) -> None:
        self.people = people
        self.traffic = traffic
        self.narrator = Narrator(say)
        self._models = models
        self._suites = suites

    @property
    def surprises(self) -> list[str]:
        """What was not as expected; an empty list is success."""
        return self.narrator.surprises

    def tell(
        self, careless: str = "v2", better: str = "v3", good: str = "v1", *, train: bool = False
    ) -> tuple[Journey, Journey]:
        """`careless` is expected to fail and `better` to be promoted; neither is told to the system."""
        self._start(good, train=train)
        first = self._careless(careless)
        second = self._better(better)
        return first, second

    def watch_drift(self) -> None:
        self.narrator.say("5. the watch over what users ask")
        drift.watch(self.narrator, self.people, self.traffic)

    def report(self, folder: Path) -> None:
        self.narrator.say("6. the week's report")
        report.report(self.narrator, self.people, folder)

    def register(self, name: str, *, wait: bool = True) -> None:
        release.register(self.narrator, self.people, name, self._models, self._suites)
        if wait:
            self.wait_until_ready(name)

    def wait_until_ready(self, name: str) -> None:
        release.wait_until_ready(self.narrator, self.people, name)

    def make_stable(self, name: str) -> None:
        deployment = self.people.operator.post("/v1/deployments", {"name": DEPLOYMENT, "stable": name})
        generation = deployment["deployment"]["generation"]
        self.narrator.say(f"deployment {DEPLOYMENT}: users get {name}, generation {generation}")

    def send_traffic(self, seconds: float, stable: str) -> None:
        """Users talk to the stable release for so long at most, and go on at their leisure."""
        self.traffic.start()
        started, tally = time.monotonic(), self.traffic.tally
        while time.monotonic() - started < seconds and tally.answers < FIRST_ANSWERS:
            time.sleep(2.5)
            self.narrator.say(
                f"  {tally.answers} answers, {tally.streamed} streamed, {tally.tool_calls} tool calls"
            )
        self.traffic.relax()
        self.narrator.expect(
            tally.streamed > 0 and tally.tool_calls > 0 and tally.answers > tally.with_tools,
            f"{tally.conversations} conversations: streaming and not, with and without tools",
        )
        self.narrator.expect(
            not tally.failures and set(tally.by_release) == {stable},
            f"every answer came from {stable}; failures: {dict(tally.failures) or 'none'}",
        )

    def try_candidate(self, candidate: str, *, override: str | None) -> Journey:
        self.traffic.hurry()
        journey = rollout.try_candidate(self.narrator, self.people, candidate, override=override)
        self.traffic.relax()
        return journey

    def _start(self, good: str, *, train: bool) -> None:
        self.narrator.say(f"1. {good}, from {'data' if train else 'base and adapter'} to users")
        bases = ("base",) if release.FORGETTING in self._suites else ()
        for base in bases:
            self.register(base, wait=False)
        if train:
            release.train(self.narrator, self.people, SPEC)
        else:
            self.register(good, wait=False)
        for name in (*bases, good):
            self.wait_until_ready(name)
        missed = release.wait_for_suites(self.narrator, self.people, good, self._suites)
        self.narrator.expect(not missed, f"{good} passes its registration suites")
        self._waive(good, missed)
        self.make_stable(good)
        self.narrator.say("2. traffic through the router, from the real openai client")
        self.send_traffic(10.0, good)

    def _careless(self, name: str) -> Journey:
        self.narrator.say(f"3. {name} is registered")
        self.register(name)
        missed = release.wait_for_suites(self.narrator, self.people, name, self._suites)
        refusal = release.refused(self.people, demo_plan(name).model_dump(mode="json"))
        self.narrator.expect(bool(refusal), f"{name} may not start a rollout: {refusal or 'it may'}")
        self._waive(name, missed)
        journey = self.try_candidate(name, override=OVERRIDE)
        self.narrator.expect(journey.shadow is Outcome.FAIL, f"the judge fails {name} in shadow")
        self.narrator.expect(
            journey.state is RolloutState.ROLLED_BACK and journey.quarantined,
            f"the controller rolled {name} back by itself and quarantined it",
        )
        rollout.expect_proof(self.narrator, journey)
        return journey

    def _better(self, name: str) -> Journey:
        self.narrator.say(f"4. {name} goes shadow → canary → stable")
        self.register(name)
        missed = release.wait_for_suites(self.narrator, self.people, name, self._suites)
        self.narrator.expect(not missed, f"{name} passes its registration suites")
        self._waive(name, missed)
        journey = self.try_candidate(name, override=None)
        self.narrator.expect(journey.shadow is Outcome.PASS, f"the judge passes {name} in shadow")
        deployment = self.people.operator.get(f"/v1/deployments/{DEPLOYMENT}")["deployment"]
        self.narrator.expect(
            journey.state is RolloutState.PROMOTED and deployment["stable"] == name,
            f"{name} is stable, {deployment['previous_good']} previous good, "
            f"generation {deployment['generation']}",
        )
        self.traffic.stop()
        tally = self.traffic.tally
        self.narrator.expect(
            not tally.failures,
            f"{tally.answers} answers to users in {tally.conversations} conversations by "
            f"{dict(tally.by_release)}; failures: {dict(tally.failures) or 'none'}",
        )
        audit = self.people.operator.get("/v1/audit/verification")
        self.narrator.expect(
            audit["ok"], f"audit chain of {audit['entries']} entries verifies, head {audit['head'][:12]}"
        )
        return journey

    def _waive(self, name: str, suites: list[str]) -> None:
        release.waive(self.narrator, self.people, name, suites, WAIVER)
