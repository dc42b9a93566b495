"""The whole stack on a real PostgreSQL, that is not there yet at the start and crashes while users ask."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx
import openai
import pytest

from aftertune.clock import SystemClock
from aftertune.errors import BadInput
from aftertune.settings import load
from aftertune.store import Store
from aftertune.up import prepare
from aftertune.values.plan import Comparison, Guardrail, GuardrailMetric, PairMetric, Plan, ShadowStage
from examples.task_api import people, stack
from tests.flows.leftovers import expect_none_left
from tests.flows.ports import free_port
from tests.flows.stored import all_stored, legs
from tests.flows.test_kill import DEPLOYMENT, Users, ask
from tests.flows.waiting import wait_for
from tests.postgres import PASSWORD, Postgres, running

AWAY_S = 3.0


@pytest.mark.stack
@pytest.mark.usefixtures("no_encoder")
@pytest.mark.timeout(600)
def test_a_crash_of_the_database_hurts_no_request_and_loses_none(
    tmp_path: Path, engines: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, lines, asked = tmp_path / "home", list[str](), threading.Event()

    def listen(line: str) -> None:
        lines.append(line)
        if "Trying again" in line:
            asked.set()

    with running() as server, ThreadPoolExecutor(1) as background:
        name = server.create_database()
        monkeypatch.setenv("AFTERTUNE_DATABASE__URL", server.url(name))
        server.stop()
        there = background.submit(_start_once, asked, server)
        with stack.running(home, "transformers", listen) as up:
            there.result()
            assert up.admin_token is not None
            with (
                people.welcomed(up.console_url, up.admin_token) as cast,
                openai.OpenAI(
                    base_url=f"{up.router_url}/v1", api_key=cast.application_key, max_retries=0, timeout=60
                ) as client,
                closing(Store(server.url(name))) as store,
            ):
                _start_shadow(cast, engines)
                wait_for(lambda: ask(client, 0) is not None, "the first answer")
                with Users(client) as users:
                    wait_for(lambda: _pairs(store) > 20, "pairs")
                    before = len(users.answered)
                    server.stop(signal.SIGQUIT)
                    _expect_only_the_console_to_suffer(up, cast, users)
                    server.start()
                    wait_for(lambda: bool(cast.operator.get("/v1/deployments")), "the console")
                    users.wait_for_more(20)
                assert users.failed == 0
                wait_for(lambda: all_stored(store, users.answered), "every answer in the database", 120)
                for request in users.answered[before : before + 20]:
                    both = partial(_has_both_legs, store, request)
                    wait_for(both, f"both answers to {request}, asked while the database went away")
                _roll_back(cast)
                assert cast.operator.get("/v1/audit/verification")["ok"]
        assert not any("starting it again" in line for line in lines), "no room dies with the database"
    written = "".join(lines) + "".join(log.read_text() for log in (home / "logs").glob("*.log"))
    assert PASSWORD not in written
    assert PASSWORD.replace("/", "%2F") not in written
    expect_none_left(home)


def test_without_a_database_the_start_ends_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aftertune.up.DATABASE_PATIENCE_S", 0.5)
    monkeypatch.setenv("AFTERTUNE_HOME", str(tmp_path))
    monkeypatch.setenv("AFTERTUNE_DATABASE__URL", f"postgresql://olga:secret@127.0.0.1:{free_port()}/x")
    said: list[str] = []
    with pytest.raises(BadInput, match="AFTERTUNE_DATABASE__URL") as raised:
        prepare(load(), SystemClock(), said.append)
    assert len(said) == 1, "it is said once that the start is tried again"
    assert "secret" not in f"{said}{raised.value}"


def _start_once(asked: threading.Event, server: Postgres) -> None:
    """The database comes only after `up` has asked for it in vain."""
    assert asked.wait(180)
    server.start()


def _start_shadow(cast: people.People, engines: dict[str, str]) -> None:
    """The careless release in shadow, under a plan that asks for more pairs than there will be."""
    for release, url in engines.items():
        body = {"id": release, "engine": "external", "url": url, "served_name": release}
        cast.operator.post("/v1/releases", body)
    wait_for(
        lambda: all(v["engine"]["state"] == "ready" for v in cast.operator.get("/v1/releases")), "the engines"
    )
    cast.operator.post("/v1/deployments", {"name": DEPLOYMENT, "stable": "good"})
    plan = Plan(
        deployment=DEPLOYMENT,
        candidate="careless",
        comparisons=(Comparison(metric=PairMetric.VALID_ANSWER, margin=0.1),),
        guardrails=(Guardrail(metric=GuardrailMetric.ERRORS, limit=0.5),),
        shadow=ShadowStage(min_pairs=100_000, min_pairs_to_fail=100_000),
    )
    cast.operator.post("/v1/rollouts", plan.model_dump(mode="json"))


def _expect_only_the_console_to_suffer(up: stack.Stack, cast: people.People, users: Users) -> None:
    headers = {"authorization": f"Bearer {cast.operator_token}"}
    until = time.monotonic() + AWAY_S
    while time.monotonic() < until:
        answer = httpx.get(f"{up.console_url}/v1/deployments", headers=headers, timeout=30)
        assert answer.status_code == 503
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert "does not answer" in answer.json()["detail"]
        users.wait_for_more(5)


def _pairs(store: Store) -> int:
    with store.read() as tx:
        return tx.pairs.count(DEPLOYMENT)


def _has_both_legs(store: Store, request: str) -> bool:
    return legs(store, request) == ["shadow", "stable"]


def _roll_back(cast: people.People) -> None:
    order = {"reason": "the drill is over", "leaving": "careless"}
    rollback = cast.operator.post(f"/v1/deployments/{DEPLOYMENT}/rollback", order)["id"]
    wait_for(
        lambda: cast.operator.get(f"/v1/rollbacks/{rollback}")["state"] == "completed", "the rollback's proof"
    )
