"""`kill -9` of any one process in the middle of a rollout: nothing acknowledged is lost, the loop goes on."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import openai
import psutil
import pytest

from aftertune.cli.client import ConsoleClient
from aftertune.values.plan import Comparison, Guardrail, GuardrailMetric, PairMetric, Plan, ShadowStage
from examples.task_api import people, stack
from tests.flows.leftovers import processes_of
from tests.flows.waiting import wait_for

DEPLOYMENT = "task-api"
ROOMS = ("monitor", "serving.router", "console", "serving.engines")
TOOL = {
    "type": "function",
    "function": {
        "name": "create_task",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}, "priority": {"type": "string"}},
            "required": ["title"],
        },
    },
}


@pytest.mark.timeout(180)
def test_any_process_may_be_killed(tmp_path: Path, engines: dict[str, str]) -> None:
    lines: list[str] = []
    with stack.running(tmp_path / "home", "transformers", lines.append) as running:
        assert running.admin_token is not None
        with (
            people.welcomed(running.console_url, running.admin_token) as cast,
            openai.OpenAI(
                base_url=f"{running.router_url}/v1", api_key=cast.application_key, max_retries=0, timeout=10
            ) as client,
        ):
            rollout = _start_rollout(cast.operator, client, engines)
            assert len(processes_of(tmp_path / "home")) >= len(ROOMS)
            acknowledged = _kill_each_room(running.process.pid, client)
            assert len(acknowledged) > 100
            _expect_nothing_lost(cast.operator, rollout, acknowledged)
    assert processes_of(tmp_path / "home") == []
    assert sum("starting it again" in line for line in lines) == len(ROOMS)


def _start_rollout(operator: ConsoleClient, client: openai.OpenAI, engines: dict[str, str]) -> str:
    for release, url in engines.items():
        body = {"id": release, "engine": "external", "url": url, "served_name": release}
        operator.post("/v1/releases", body)
    wait_for(lambda: set(_engine_states(operator).values()) == {"ready"}, "the engines")
    operator.post("/v1/deployments", {"name": DEPLOYMENT, "stable": "good"})
    wait_for(lambda: ask(client, 0) is not None, "the first answer")
    return str(operator.post("/v1/rollouts", _plan().model_dump(mode="json"))["rollout"]["id"])


def _kill_each_room(up: int, client: openai.OpenAI) -> list[str]:
    """The request ids that were answered in full before, while and after each room was away."""
    acknowledged: list[str] = []
    for number, module in enumerate(ROOMS, start=1):
        victim = _room(up, module).pid
        acknowledged += _answers(client, 20, seed=number)
        os.kill(victim, signal.SIGKILL)
        acknowledged += _answers(client, 20, seed=number + 100)
        wait_for(partial(_alive_again, up, module, victim), f"{module} to be back")
    return acknowledged


def _expect_nothing_lost(operator: ConsoleClient, rollout: str, acknowledged: list[str]) -> None:
    wait_for(lambda: _state(operator, rollout) == "held", "the judge's word on the shadow")
    for request in acknowledged:
        wait_for(partial(_is_stored_once, operator, request), f"the answer {request}")
    assert operator.get(f"/v1/rollouts/{rollout}")["verdicts"][0]["outcome"] == "fail"
    assert operator.get("/v1/audit/verification")["ok"]


def _plan() -> Plan:
    return Plan(
        deployment=DEPLOYMENT,
        candidate="careless",
        comparisons=(Comparison(metric=PairMetric.VALID_ANSWER, margin=0.1),),
        guardrails=(Guardrail(metric=GuardrailMetric.INVALID_ANSWERS, limit=0.2),),
        shadow=ShadowStage(min_pairs=20, deadline_s=600),
    )


def _answers(client: openai.OpenAI, n: int, seed: int) -> list[str]:
    """Ask n times; the request ids of those that were answered in full."""
    found = (ask(client, seed * 1000 + number) for number in range(n))
    return [request for request in found if request is not None]


def ask(client: openai.OpenAI, number: int) -> str | None:
    """Ask for a task, streamed or not; the request id of a whole answer, else None."""
    try:
        raw = client.chat.completions.with_raw_response.create(
            model=DEPLOYMENT,
            messages=[{"role": "user", "content": f"Create a task called inspect pump {number}"}],
            tools=[TOOL],  # type: ignore[list-item]
            stream=number % 2 == 0,
        )
        parsed = raw.parse()
        if isinstance(parsed, openai.Stream):
            for _chunk in parsed:
                pass
    except openai.OpenAIError:
        time.sleep(0.05)
        return None
    return raw.headers["x-request-id"]


def _engine_states(operator: ConsoleClient) -> dict[str, str]:
    return {v["release"]["id"]: str((v["engine"] or {}).get("state")) for v in operator.get("/v1/releases")}


def _state(operator: ConsoleClient, rollout: str) -> str:
    return str(operator.get(f"/v1/rollouts/{rollout}")["rollout"]["state"])


def _is_stored_once(operator: ConsoleClient, request: str) -> bool:
    legs = operator.get(f"/v1/exchanges/{request}")
    live = [leg for leg in legs if leg["role"] != "shadow"]
    assert len(live) == 1, f"{request} was stored {len(live)} times"
    return True


def _room(up: int, module: str) -> psutil.Process:
    return next(child for child in psutil.Process(up).children() if child.cmdline()[-2:] == ["-m", module])


def _alive_again(up: int, module: str, killed: int) -> bool:
    return _room(up, module).pid != killed
