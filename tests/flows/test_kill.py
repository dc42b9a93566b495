"""`kill -9` of any one process in the middle of a rollout: nothing acknowledged is lost, the loop goes on."""

import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Self

import httpx2
import openai
import psutil
import pytest

from aftertune.cli.client import ConsoleClient
from aftertune.values.plan import (
    CanaryStage,
    Comparison,
    Guardrail,
    GuardrailMetric,
    PairMetric,
    Plan,
    ShadowStage,
)
from examples.task_api import people, stack
from tests.flows.leftovers import expect_none_left
from tests.flows.waiting import wait_for

pytestmark = pytest.mark.stack

DEPLOYMENT = "task-api"
PAUSE_S = 0.05
"""Requests all the time, and most of the machine left to the rooms that start again."""
ROOMS = (
    "monitor",
    "serving.router",
    "console",
    "serving.engines",
    "serving.encoder",
    "evals",
    "reports",
)
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


class Users:
    """Ask all the time, half of it streamed, from a thread of their own.

    `answered` holds whole answers' ids, `failed` counts the others.
    """

    def __init__(self, client: openai.OpenAI, pause_s: float = PAUSE_S) -> None:
        self._client = client
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in (1, 2)]
        self.answered: list[str] = []
        self.failed = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self, answers: int) -> None:
        wanted = len(self.answered) + answers
        wait_for(lambda: len(self.answered) >= wanted, f"{answers} more answers")

    def _run(self, user: int) -> None:
        number = user * 100_000
        while not self._stopping.is_set():
            number += 1
            request = ask(self._client, number)
            if request is None:
                self.failed += 1
            else:
                self.answered.append(request)
            time.sleep(self._pause_s)


@pytest.mark.timeout(900)
def test_any_process_may_be_killed(tmp_path: Path, engines: dict[str, str]) -> None:
    """In shadow each room, in canary the monitor, then `up` itself; then it is started again."""
    home, lines = tmp_path / "home", list[str]()
    with stack.running(home, "transformers", lines.append) as running:
        assert running.admin_token is not None
        with (
            people.welcomed(running.console_url, running.admin_token) as cast,
            openai.OpenAI(
                base_url=f"{running.router_url}/v1", api_key=cast.application_key, max_retries=0, timeout=30
            ) as client,
        ):
            rollout = _start_rollout(cast, client, engines)
            with Users(client) as users:
                for room in ROOMS:
                    _kill(running.process.pid, room, users)
                wait_for(
                    lambda: _state(cast.operator, rollout) == "held", "the judge's word on the shadow", 180
                )
                waiver = {"check": "comparison", "reason": "test"}
                cast.approvers[0].post(f"/v1/rollouts/{rollout}/overrides", waiver)
                wait_for(lambda: _stage(cast.operator, rollout) == "canary", "the canary")
                _kill(running.process.pid, "monitor", users)
                wait_for(
                    lambda: _state(cast.operator, rollout) == "rolled_back", "the automatic rollback", 180
                )
                wait_for(partial(_is_proven, cast.operator), "its proof")
                users.wait_for_more(20)
                os.kill(running.process.pid, signal.SIGKILL)
        restarted = [line for line in lines if "starting it again" in line]
        assert len(restarted) == len(ROOMS) + 1, restarted
        acknowledged = users.answered
        operator_token, url = cast.operator_token, running.console_url
    with stack.running(home, "transformers", print, fresh=False, ports=running.ports) as again:
        assert again.console_url == url
        assert again.admin_token is None, "the admin's token is shown once"
        operator = ConsoleClient(url, operator_token)
        for request in acknowledged:
            wait_for(partial(_is_stored_once, operator, request), f"the answer {request}")
        assert operator.get("/v1/audit/verification")["ok"]
        assert operator.get(f"/v1/deployments/{DEPLOYMENT}")["deployment"]["stable"] == "good"
        operator.close()
    assert len(acknowledged) > 150
    expect_none_left(home)


def _start_rollout(cast: people.People, client: openai.OpenAI, engines: dict[str, str]) -> str:
    """The careless release in shadow, its plan approved by two people."""
    operator = cast.operator
    for release, url in engines.items():
        body = {"id": release, "engine": "external", "url": url, "served_name": release}
        operator.post("/v1/releases", body)
    wait_for(lambda: set(_engine_states(operator).values()) == {"ready"}, "the engines")
    operator.post("/v1/deployments", {"name": DEPLOYMENT, "stable": "good"})
    wait_for(lambda: ask(client, 0) is not None, "the first answer")
    plan = Plan(
        deployment=DEPLOYMENT,
        candidate="careless",
        comparisons=(Comparison(metric=PairMetric.VALID_ANSWER, margin=0.1),),
        guardrails=(Guardrail(metric=GuardrailMetric.INVALID_ANSWERS, limit=0.2),),
        shadow=ShadowStage(min_pairs=20, min_pairs_to_fail=150, deadline_s=600),
        canary=CanaryStage(share=0.2, min_answers=500, deadline_s=600),
    )
    rollout = operator.post("/v1/rollouts", plan.model_dump(mode="json"))["rollout"]["id"]
    for approver in cast.approvers:
        approver.post(f"/v1/rollouts/{rollout}/approvals", {"plan": plan.digest()})
    return str(rollout)


def _kill(up: int, module: str, users: Users) -> None:
    """While users ask; returns once the room is back and answers go on."""
    users.wait_for_more(5)
    victim = _room(up, module).pid
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: _room(up, module).pid != victim, f"{module} to be back")
    users.wait_for_more(20)


def ask(client: openai.OpenAI, number: int) -> str | None:
    """Ask for a task, streamed or not; the request id of a whole answer, else None."""
    try:
        raw = client.chat.completions.with_raw_response.create(
            model=DEPLOYMENT,
            messages=[{"role": "user", "content": f"Create a task called inspect pump {number}"}],
            tools=[TOOL],  # type: ignore[list-item]
            stream=number % 2 == 0,
            user=f"user-{number}",
        )
        parsed = raw.parse()
        if isinstance(parsed, openai.Stream):
            for _chunk in parsed:
                pass
    except (openai.OpenAIError, httpx2.TransportError):  # The latter where a stream is cut off.
        time.sleep(0.05)
        return None
    return raw.headers["x-request-id"]


def _engine_states(operator: ConsoleClient) -> dict[str, str]:
    return {v["release"]["id"]: str((v["engine"] or {}).get("state")) for v in operator.get("/v1/releases")}


def _state(operator: ConsoleClient, rollout: str) -> str:
    return str(operator.get(f"/v1/rollouts/{rollout}")["rollout"]["state"])


def _stage(operator: ConsoleClient, rollout: str) -> str:
    return str(operator.get(f"/v1/rollouts/{rollout}")["rollout"]["stage"])


def _is_proven(operator: ConsoleClient) -> bool:
    (rollback,) = operator.get(f"/v1/deployments/{DEPLOYMENT}/rollbacks")
    return bool(rollback["state"] == "completed")


def _is_stored_once(operator: ConsoleClient, request: str) -> bool:
    legs = operator.get(f"/v1/exchanges/{request}")
    live = [leg for leg in legs if leg["role"] != "shadow"]
    assert len(live) == 1, f"{request} was stored {len(live)} times"
    return True


def _room(up: int, module: str) -> psutil.Process:
    return next(child for child in psutil.Process(up).children() if child.cmdline()[-2:] == ["-m", module])
