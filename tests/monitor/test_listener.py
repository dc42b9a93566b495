"""On PostgreSQL an act reaches the routers at once, however long the tick; a lost connection is made again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from aftertune.clock import SystemClock
from aftertune.control import create_control_token
from aftertune.deployments import commit, created, shadow_started
from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.store.notify import ANNOUNCED
from aftertune.values.deployment import Act
from aftertune.values.route import KeyGrant, RouterLease, RoutingTable
from monitor.controller import LEASE
from monitor.listener import RETRY_S, Listener
from monitor.loop import Loop
from tests.flows.ports import free_port
from tests.flows.waiting import wait_for
from tests.monitor.world import engine, known_release
from tests.postgres import Postgres, running

AT_ONCE_S = 20.0
"""Far below the tick, far above what a busy machine needs."""


@dataclass
class StandInRouter:
    """Takes tables at its admin address, and remembers them."""

    tables: list[RoutingTable] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)
    url: str = ""

    def take(self, table: RoutingTable) -> RouterLease:
        with self.news:
            self.tables.append(table)
            self.news.notify_all()
        return RouterLease(router="router-1", admin_url=self.url, revision=table.revision, generations={})

    def has(self, holds: Callable[[RoutingTable], bool], seconds: float) -> bool:
        """Whether the newest table is such a one within so many seconds."""
        with self.news:
            return self.news.wait_for(lambda: bool(self.tables) and holds(self.tables[-1]), seconds)


@pytest.fixture
def database() -> str:
    return "postgresql"


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """One that may be stopped."""
    with running() as server:
        yield server


@pytest.fixture
def own_store(own_server: Postgres) -> Iterator[Store]:
    store = Store(own_server.url(own_server.create_database()))
    upgrade(store.engine)
    yield store
    store.close()


@pytest.fixture
def router() -> Iterator[StandInRouter]:
    stand_in = StandInRouter()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = stand_in.take(RoutingTable.model_validate_json(body)).model_dump_json().encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield stand_in
        server.shutdown()
        thread.join()


@contextmanager
def monitor(home: Path, database_url: str) -> Iterator[None]:
    """The process, with a tick of many minutes: what comes sooner was heard."""
    create_control_token(home / "control.token")
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AFTERTUNE_")} | {
        "AFTERTUNE_HOME": str(home),
        "AFTERTUNE_DATABASE__URL": database_url,
        "AFTERTUNE_MONITOR__PORT": str(port),
        "AFTERTUNE_MONITOR__TICK_S": "900",
    }
    with subprocess.Popen([sys.executable, "-m", "monitor"], env=environment) as process:
        try:
            metrics = f"http://127.0.0.1:{port}/metrics"
            first_tick = 'aftertune_last_success_timestamp_seconds{job="controller"}'
            wait_for(lambda: first_tick in httpx.get(metrics).text, "the first tick")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def in_generation(number: int) -> Callable[[RoutingTable], bool]:
    def holds(table: RoutingTable) -> bool:
        route = table.route("tasks")
        return route is not None and route.generation == number

    return holds


def populate(store: Store, router: StandInRouter) -> None:
    now = SystemClock().now()
    lease = RouterLease(router="router-1", admin_url=router.url, revision=0, generations={})
    with store.write() as tx:
        for name in ("v1", "v2"):
            tx.releases.add(known_release(name))
            tx.releases.save_engine(engine(name))
        commit(tx, Act.CREATE, None, created("tasks", "v1"), actor="olga", at=now)
        tx.routing.renew(lease, now + timedelta(minutes=5))


def test_an_act_is_with_the_routers_at_once(
    tmp_path: Path, store: Store, store_url: str, router: StandInRouter
) -> None:
    populate(store, router)
    with monitor(tmp_path, store_url):
        assert router.has(in_generation(1), AT_ONCE_S)
        with store.write() as tx:
            before = tx.deployments.get("tasks")
            after = shadow_started(before, "v2", "r1", 1.0)
            commit(tx, Act.START_SHADOW, before, after, actor="olga", at=SystemClock().now())
        assert router.has(in_generation(2), AT_ONCE_S)


def test_a_table_that_another_monitor_publishes_is_pushed_at_once(
    tmp_path: Path, store: Store, store_url: str, router: StandInRouter
) -> None:
    populate(store, router)
    now = SystemClock().now()
    with store.write() as tx:
        assert tx.leases.acquire(LEASE, "elsewhere", now, now + timedelta(hours=1))
    with monitor(tmp_path, store_url):
        with store.write() as tx:
            published = tx.routing.publish(RoutingTable(revision=0, keys={"h": KeyGrant(name="olga")}), now)
        assert router.has(lambda table: table == published, AT_ONCE_S)


def test_it_listens_again_after_the_database_was_away(
    tmp_path: Path, own_server: Postgres, own_store: Store, router: StandInRouter
) -> None:
    populate(own_store, router)
    url = own_store.engine.url.render_as_string(hide_password=False)
    with monitor(tmp_path, url):
        assert router.has(in_generation(1), AT_ONCE_S)
        own_server.stop(signal.SIGQUIT)
        time.sleep(1.0)  # long enough for failures to be met, and backed off from
        own_server.start()
        with own_store.write() as tx:
            before = tx.deployments.get("tasks")
            after = shadow_started(before, "v2", "r1", 1.0)
            commit(tx, Act.START_SHADOW, before, after, actor="olga", at=SystemClock().now())
        assert router.has(in_generation(2), AT_ONCE_S)


def test_what_may_have_been_missed_counts_as_heard(own_server: Postgres, own_store: Store) -> None:
    heard: list[frozenset[str]] = []
    listener = Listener(own_store, heard.append)
    listening = Loop("listener", listener.step, RETRY_S)
    listening.start()
    wait_for(lambda: heard == [ANNOUNCED], "the first connection")
    own_server.stop(signal.SIGQUIT)
    own_server.start()
    wait_for(lambda: heard == [ANNOUNCED, ANNOUNCED], "the second connection")
    listening.stop()
    listening.join(10)
    listener.close()
    assert not listening.is_alive()
