"""The rooms run, real Prometheus scrapes them, real Alertmanager tells the monitor: no panel is dead, no alert lost."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionToolParam

from aftertune.cli.client import ConsoleClient
from aftertune.values.plan import Comparison, Guardrail, GuardrailMetric, PairMetric, Plan, ShadowStage
from dashboards.generate import BOARD, FOLDER
from dashboards.rules import RULES
from examples.task_api import people, stack
from tests.dashboards.servers import Prometheus, alertmanager, prometheus
from tests.flows.ports import free_port
from tests.flows.waiting import wait_for

pytestmark = pytest.mark.stack

DEPLOYMENT = "task-api"
COUNTED = 'aftertune_alerts_total{state="firing"} > 0'
FILLED = {"$__rate_interval": "10s", "$__range": "10m", "$deployment": ".*"}
TOOL: ChatCompletionToolParam = {
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
TARGETS = {
    "router": "ROUTER__ADMIN_PORT",
    "monitor": "MONITOR__PORT",
    "engines": "ENGINES__METRICS_PORT",
    "encoder": "ENCODER__PORT",
    "evals": "EVALS__METRICS_PORT",
    "reports": "REPORTS__METRICS_PORT",
    "console": "CONSOLE__METRICS_PORT",
}


CARD = """
name: kept
version: "1"
description: what is watched, and may be lost in part
licence: ours
scorers: [exact_match]
seed: 7
by_task: true
baselines: [last_good]
budget: {metric: exact, margins: {tone: 0.1}}
"""
NIGHTLY = {"name": "nightly", "every_s": 15, "suites": ["kept"]}


class Engine(NamedTuple):
    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def engines() -> Iterator[dict[str, Engine]]:
    """A good and a careless fake engine, by release."""
    with ExitStack() as processes:
        started = {}
        for release, quality in (("good", "good"), ("careless", "bad")):
            port = free_port()
            command = [sys.executable, "-m", "tests.fakes.engine", "--port", str(port)]
            process = subprocess.Popen([*command, "--served-name", release, "--quality", quality])
            processes.callback(process.wait)
            processes.callback(process.kill)
            started[release] = Engine(f"http://127.0.0.1:{port}", process)
        yield started


@pytest.fixture
def suites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite with a budget, whose nights come every few seconds."""
    folder = tmp_path / "suites" / "kept"
    folder.mkdir(parents=True)
    (folder / "card.yaml").write_text(CARD)
    samples = [
        {
            "id": f"{task}-{number}",
            "task": task,
            "messages": [{"role": "user", "content": f"Say something {number}"}],
            "scoring": {"kind": "exact_match", "answers": ["TaskMaster here."]},
        }
        for task in ("tone", "fact")
        for number in range(4)
    ]
    (folder / "samples.jsonl").write_text("".join(f"{json.dumps(sample)}\n" for sample in samples))
    monkeypatch.setenv("AFTERTUNE_EVALS__SUITES", json.dumps([str(folder.parent)]))
    monkeypatch.setenv("AFTERTUNE_EVALS__SCHEDULES", json.dumps([NIGHTLY]))


def queries() -> Iterator[tuple[str, str]]:
    """Panel and query, with Grafana's variables filled in."""
    for panel in json.loads((FOLDER / BOARD).read_text())["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for variable, value in FILLED.items():
                expression = expression.replace(variable, value)
            yield panel["title"], expression


def dead(server: Prometheus) -> list[str]:
    return [f"{title}: {query}" for title, query in queries() if not server.ask(query)]


@pytest.mark.timeout(1200)
def test_no_panel_is_dead_and_an_alert_arrives(
    tmp_path: Path, engines: dict[str, Engine], suites: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERTUNE_DRIFT__REFERENCE", "50")
    # Here a report need not be whole, only be counted.
    monkeypatch.setenv("AFTERTUNE_REPORTS__TIMEOUT_S", "5")
    home = tmp_path / "home"
    with ExitStack() as running:
        rooms = running.enter_context(stack.running(home, "transformers", print))
        ports = {job: rooms.ports[f"AFTERTUNE_{name}"] for job, name in TARGETS.items()}
        monitor = f"http://127.0.0.1:{ports['monitor']}/v1/alerts"
        teller = running.enter_context(alertmanager(tmp_path, monitor, home / "control.token"))
        targets = {job: f"127.0.0.1:{port}" for job, port in ports.items()}
        server = running.enter_context(prometheus(tmp_path, targets, teller))
        assert rooms.admin_token is not None
        cast = running.enter_context(people.welcomed(rooms.console_url, rooms.admin_token))
        client = running.enter_context(
            openai.OpenAI(base_url=f"{rooms.router_url}/v1", api_key=cast.application_key, max_retries=0)
        )
        wait_for(lambda: set(server.targets().values()) == {"up"}, "every target to be up", 120)
        wait_for(lambda: bool(server.ask("aftertune_routing_revision")), "the first scrape")
        _something_of_everything(cast, client, engines, server)

        silent: list[str] = []

        def every_panel_shows_something() -> bool:
            silent[:] = dead(server)
            return not silent

        with suppress(AssertionError):
            wait_for(every_panel_shows_something, "every panel to show something", 180)
        assert silent == []
        _every_rule_works(server)
        _failing_requests_arrive_as_an_alert(cast.operator, client, engines, server)


def _something_of_everything(
    cast: people.People, client: openai.OpenAI, engines: dict[str, Engine], server: Prometheus
) -> None:
    """Traffic, a candidate in shadow, a verdict, evaluations, nights, a report and a rollback."""
    operator = cast.operator
    for release, engine in engines.items():
        body = {"id": release, "engine": "external", "url": engine.url, "served_name": release}
        operator.post("/v1/releases", body)
    wait_for(lambda: _engine_states(operator) == {"ready"}, "the engines", 120)
    operator.post("/v1/evaluations", {"release": "good", "suite": "tool_calls"})
    week = datetime.now(UTC).strftime("%G-W%V")
    operator.post("/v1/reports", {"week": week, "preliminary": True})
    operator.post("/v1/deployments", {"name": DEPLOYMENT, "stable": "good"})
    operator.post("/v1/evaluations", {"release": "careless", "suite": "kept", "deployment": DEPLOYMENT})
    wait_for(lambda: _ask(client, 0), "the first answer")
    plan = Plan(
        deployment=DEPLOYMENT,
        candidate="careless",
        comparisons=(Comparison(metric=PairMetric.VALID_ANSWER, margin=0.1),),
        guardrails=(Guardrail(metric=GuardrailMetric.INVALID_ANSWERS, limit=0.9),),
        shadow=ShadowStage(min_pairs=20, min_pairs_to_fail=40, deadline_s=600),
    )
    rollout = operator.post("/v1/rollouts", plan.model_dump(mode="json"))["rollout"]["id"]
    for approver in cast.approvers:
        approver.post(f"/v1/rollouts/{rollout}/approvals", {"plan": plan.digest()})
    numbers = iter(range(1, 10_000))

    def asked_enough() -> bool:
        for _ in range(10):
            _ask(client, next(numbers))
        watched = operator.get(f"/v1/deployments/{DEPLOYMENT}/drift")["reading"]["charts"]
        return bool(watched and server.ask("aftertune_verdicts_total"))

    wait_for(asked_enough, "a drift reading with charts, and a verdict", 300)
    operator.post(f"/v1/deployments/{DEPLOYMENT}/rollback", {"reason": "test"})
    wait_for(partial(_ended, operator, "completed"), "the rollback's proof")


def _every_rule_works(server: Prometheus) -> None:
    (group,) = httpx.get(f"{server.url}/api/v1/rules").json()["data"]["groups"]

    assert {rule["name"]: rule["health"] for rule in group["rules"]} == {rule.name: "ok" for rule in RULES}
    for rule in RULES:
        server.ask(rule.expression)


def _failing_requests_arrive_as_an_alert(
    operator: ConsoleClient, client: openai.OpenAI, engines: dict[str, Engine], server: Prometheus
) -> None:
    assert _told(operator) == []
    for engine in engines.values():
        engine.process.kill()

    def told() -> bool:
        for number in range(10):
            assert not _ask(client, number)
        return bool(_told(operator))

    wait_for(told, "Prometheus to fire and Alertmanager to tell the monitor", 240)
    (alert,) = _told(operator)
    assert (alert["severity"], alert["deployment"]) == ("page", DEPLOYMENT)
    assert alert["summary"].endswith("% of users' requests fail")
    assert alert["runbook"] == "docs/alerts.md#aftertuneroutererrors"
    wait_for(lambda: bool(server.ask(COUNTED)), "the alert to be counted")


def _told(operator: ConsoleClient) -> list[dict[str, Any]]:
    return [alert for alert in operator.get("/v1/alerts") if alert["name"] == "AftertuneRouterErrors"]


def _ask(client: openai.OpenAI, number: int) -> bool:
    try:
        client.chat.completions.create(
            model=DEPLOYMENT,
            messages=[{"role": "user", "content": f"Create a task called inspect pump {number}"}],
            tools=[TOOL],
            user=f"user-{number}",
        )
    except openai.OpenAIError:
        return False
    return True


def _engine_states(operator: ConsoleClient) -> set[str]:
    return {str((view["engine"] or {}).get("state")) for view in operator.get("/v1/releases")}


def _ended(operator: ConsoleClient, state: str) -> bool:
    found: list[dict[str, Any]] = operator.get(f"/v1/deployments/{DEPLOYMENT}/rollbacks")
    return any(rollback["state"] == state for rollback in found)
