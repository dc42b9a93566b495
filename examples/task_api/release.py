"""A release, from its registration to its suites."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Any

from aftertune.cli.client import Refused
from aftertune.errors import Unavailable
from aftertune.values.evaluation import RunState
from aftertune.values.release import EngineState, ReleaseState
from examples.task_api.narrator import Narrator, until
from examples.task_api.people import People

HERE = Path(__file__).parent
FORGETTING = "forgetting"
SUITES = ("tool_calls", FORGETTING, "persona")
READY_TIMEOUT_S = 600.0
SUITES_TIMEOUT_S = 600.0
TRAINING_TIMEOUT_S = 900.0


def register(narrator: Narrator, people: People, release: str, models: Path, suites: tuple[str, ...]) -> None:
    """Merge base and adapter, prove it, start the engine. The release `base` has no adapter."""
    body = {"id": release, "base": str(models / "base"), "adapter": "", "suites": suites}
    if release == "base":
        narrator.say("registering the base as it is: forgetting is measured against it")
        body["suites"] = ()
    else:
        narrator.say(f"registering {release}: base + adapter → merged weights")
        body["adapter"] = str(models / "adapters" / release)
    people.operator.post("/v1/releases", body)


def train(narrator: Narrator, people: People, spec: Path) -> None:
    """`aftertune train`, as an ML engineer would type it; it ends in a registered candidate."""
    narrator.say(f"aftertune train {spec}")
    environment = os.environ | people.environment | {"AFTERTUNE_TOKEN": people.operator_token}
    with subprocess.Popen(
        [sys.executable, "-m", "aftertune", "train", str(spec)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        late = Timer(TRAINING_TIMEOUT_S, process.terminate)
        late.start()
        try:
            for line in process.stdout or ():
                narrator.say(f"  {line.rstrip()}")
            narrator.expect(process.wait() == 0, "the training job ended in a registered release")
        finally:
            late.cancel()
            if process.poll() is None:  # the story was broken off: its job ends with it
                process.terminate()


def wait_until_ready(narrator: Narrator, people: People, release: str) -> None:
    """Until its engine answers; shows the proof in its passport."""
    seen = ""
    for _ in until(READY_TIMEOUT_S, f"the engine of {release}"):
        view = people.operator.get(f"/v1/releases/{release}")
        status, engine = view["release"], (view["engine"] or {}).get("state", "not started")
        if (now := f"{status['state']}, engine {engine}") != seen:
            narrator.say(f"  {release}: {now}")
            seen = now
        if status["state"] == ReleaseState.REJECTED or engine == EngineState.FAILED:
            narrator.expect(False, f"{release} becomes ready: {status['reason']} {view['engine']}")
            raise Unavailable(f"{release} did not become ready.")
        if engine == EngineState.READY:
            break
    proof = status["passport"]["proof"]
    narrator.expect(
        proof["max_logit_difference"] <= proof["tolerance"],
        f"merged = base + adapter on {proof['prompts']} probe prompts: largest logit difference "
        f"{proof['max_logit_difference']:.2e} (tolerance {proof['tolerance']:.0e}); "
        f"passport {status['passport']['merged_digest'][:12]}",
    )


def wait_for_suites(narrator: Narrator, people: People, release: str, suites: tuple[str, ...]) -> list[str]:
    """Until its registration suites are measured; returns those that it did not pass."""
    for _ in until(SUITES_TIMEOUT_S, f"the registration suites of {release}"):
        runs = people.operator.get("/v1/evaluations", release=release)
        latest = {run["suite"]: run for run in reversed(runs)}
        if set(suites) <= latest.keys() and all(RunState(latest[name]["state"]).final for name in suites):
            break
    for name in suites:
        run = latest[name]
        narrator.say(f"  {release}, suite {name}: {run['state'].upper()}")
        for reason in [gate["reason"] for gate in run["gates"]] or [run["reason"]]:
            narrator.say(f"    {reason}")
    return [name for name in suites if latest[name]["state"] != RunState.SUCCESSFUL]


def waive(narrator: Narrator, people: People, release: str, suites: list[str], reason: str) -> None:
    """A named person lets a release meet users although it did not pass."""
    for suite in suites:
        narrator.say(f"  anna waives the suite {suite} for {release}: {reason}")
        people.approvers[0].post(f"/v1/releases/{release}/waivers", {"suite": suite, "reason": reason})


def refused(people: People, plan: dict[str, Any]) -> str:
    """Why a rollout may not start; empty when it was started (and is aborted at once)."""
    try:
        rollout = people.operator.post("/v1/rollouts", plan)["rollout"]
    except Refused as error:
        return str(error)
    people.operator.post(f"/v1/rollouts/{rollout['id']}/abort", {"reason": "only asked whether it may start"})
    return ""
