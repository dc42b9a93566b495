"""`aftertune up` with two routers on one port: SIGHUP replaces them, and nobody's request fails."""

import signal
from contextlib import closing
from pathlib import Path

import httpx
import openai
import psutil
import pytest

from aftertune.cli.client import ConsoleClient
from aftertune.store import Store
from examples.task_api import people, stack
from tests.flows.leftovers import expect_none_left
from tests.flows.ports import free_row
from tests.flows.stored import all_stored
from tests.flows.test_kill import Users, ask
from tests.flows.waiting import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("no_encoder")]

DEPLOYMENT = "task-api"


@pytest.mark.timeout(600)
def test_every_router_is_replaced_under_traffic(
    tmp_path: Path, engines: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, lines, admin_port = tmp_path / "home", list[str](), free_row(3)
    monkeypatch.setenv("AFTERTUNE_ROUTER__PROCESSES", "2")
    monkeypatch.setenv("AFTERTUNE_ROUTER__ADMIN_PORT", str(admin_port))
    with stack.running(home, "transformers", lines.append) as running:
        assert running.admin_token is not None
        with (
            people.welcomed(running.console_url, running.admin_token) as cast,
            openai.OpenAI(
                base_url=f"{running.router_url}/v1", api_key=cast.application_key, max_retries=2, timeout=60
            ) as client,
        ):
            url = engines["good"]
            release = {"id": "good", "engine": "external", "url": url, "served_name": "good"}
            cast.operator.post("/v1/releases", release)
            wait_for(lambda: states(cast.operator) == ["ready"], "the engine")
            cast.operator.post("/v1/deployments", {"name": DEPLOYMENT, "stable": "good"})
            wait_for(lambda: following(cast.operator) == {"router-1": 1, "router-2": 1}, "both routers")
            wait_for(lambda: ask(client, 0) is not None, "the first answer")
            before = routers(running.process.pid)
            with Users(client, pause_s=0) as users:
                users.wait_for_more(10)
                running.process.send_signal(signal.SIGHUP)
                wait_for(lambda: "up: replaced router-1, router-2" in lines, "the roll", 300)
                users.wait_for_more(10)
            after = routers(running.process.pid)
            assert users.failed == 0
            assert len(before) == len(after) == 2
            assert not before & after
            assert not any("starting it again" in line for line in lines)
            wait_for(lambda: following(cast.operator) == {"router-1": 1, "router-2": 1}, "their leases")
            monitor = f"http://127.0.0.1:{running.ports['AFTERTUNE_MONITOR__PORT']}"
            (found,) = httpx.get(f"{monitor}/v1/routers/targets").json()
            assert found["targets"] == [f"127.0.0.1:{admin_port + place}" for place in range(2)]
            with closing(Store(f"sqlite:///{home / 'aftertune.db'}")) as store:
                wait_for(lambda: all_stored(store, users.answered), "every answer in the database", 120)
    expect_none_left(home)


def states(operator: ConsoleClient) -> list[str]:
    return [str((view["engine"] or {}).get("state")) for view in operator.get("/v1/releases")]


def following(operator: ConsoleClient) -> dict[str, int]:
    """Router → generation, of every router that is known and live."""
    view = operator.get(f"/v1/deployments/{DEPLOYMENT}")
    assert all(router["live"] for router in view["routers"])
    return {router["router"]: router["generation"] for router in view["routers"]}


def routers(up: int) -> set[int]:
    children = psutil.Process(up).children()
    return {child.pid for child in children if child.cmdline()[-2:] == ["-m", "serving.router"]}
