"""The supervisor with real processes and a fake engine."""

import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from prometheus_client import CollectorRegistry

from aftertune.clock import ManualClock
from aftertune.settings.sections import EngineSettings
from aftertune.store import Store
from aftertune.values.deployment import Deployment
from aftertune.values.release import EngineKind, EngineState, EngineStatus
from serving.engines.kinds import LocalKind
from serving.engines.merges import Merges
from serving.engines.process import EngineProcesses, free_port
from serving.engines.supervisor import Supervisor
from tests.serving.engines.releases import START, merged, ready, shown_to_viewers

START_TIMEOUT_S = 900.0
"""Of the manual clock, which goes on while a real engine starts."""


class Bench:
    """A supervisor over a home folder; `mode` tells the fake engine how to behave at its next start."""

    def __init__(self, store: Store, clock: ManualClock, home: Path) -> None:
        self.store, self.clock, self.home = store, clock, home
        self.mode = "ready"
        self.killed: list[EngineProcesses] = []
        self._new_supervisor()

    def restart_supervisor(self) -> None:
        """As after a kill: nothing is handed over but the store and the home folder."""
        self.killed.append(self.processes)
        self._new_supervisor()

    def _new_supervisor(self) -> None:
        self.processes = EngineProcesses(self.home / "engines", self.home / "logs", self.home / "models")
        kind = LocalKind(
            lambda name, port, _: (
                sys.executable, "-m", "tests.serving.engines.fake_engine", name, str(port), self.mode
            ),
            {"PYTHONPATH": str(Path.cwd())},
            lambda _: None,
        )  # fmt: skip
        self.registry = CollectorRegistry()
        self.supervisor = Supervisor(
            self.store,
            EngineSettings(start_timeout_s=START_TIMEOUT_S, keep_warm_s=3600),
            self.clock,
            self.processes,
            Merges(self.store, self.clock, self.home / "models", self.home / "logs"),
            self.registry,
            {EngineKind.TRANSFORMERS: kind},
        )

    def add(self, name: str) -> None:
        with self.store.write() as tx:
            tx.releases.add(merged(self.home / "models" / name, name))

    def status(self, name: str) -> EngineStatus:
        with self.store.read() as tx:
            status = tx.releases.engine(name)
        assert status is not None
        return status

    def pid(self, name: str) -> int:
        found = self.processes.find(name)
        assert found is not None
        return found.pid

    def audited(self, name: str) -> list[str]:
        with self.store.read() as tx:
            return [entry.action for entry in reversed(tx.audit.latest(50, name))]

    def step_until(self, name: str, state: EngineState, *, advance_s: float = 0.0) -> EngineStatus:
        self.until(lambda: self._stepped(advance_s) and self.status(name).state is state)
        return self.status(name)

    def _stepped(self, advance_s: float) -> bool:
        self.clock.advance(advance_s)
        self.supervisor.step()
        return True

    def until(self, holds: Callable[[], bool], timeout_s: float = 90.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def bench(
    store: Store, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.setattr("serving.engines.supervisor.STOP_GRACE_S", 1.0)
    bench = Bench(store, clock, tmp_path / "home")
    yield bench
    bench.supervisor.stop()
    assert bench.processes.started() == []
    shown_to_viewers(store)
    for processes in bench.killed:
        assert processes.find("r1") is None  # and its child is reaped


def test_a_ready_release_gets_an_engine_with_digest_and_fingerprint(bench: Bench) -> None:
    bench.add("r1")
    status = bench.step_until("r1", EngineState.READY)
    assert status.url.startswith("http://127.0.0.1:")
    assert len(status.fingerprint) == 4
    with bench.store.read() as tx:
        stored = tx.releases.get("r1").passport
    assert stored is not None
    assert status.weights_digest == stored.merged_digest
    assert bench.audited("r1") == ["engine_ready"]
    assert bench.registry.get_sample_value("aftertune_engines", {"state": "ready"}) == 1


def test_two_releases_get_two_ports(bench: Bench) -> None:
    bench.add("r1")
    bench.add("r2")
    bench.supervisor.step()
    assert bench.status("r1").url != bench.status("r2").url


def test_a_crashed_engine_is_started_again_on_its_port(bench: Bench) -> None:
    bench.add("r1")
    before, pid = bench.step_until("r1", EngineState.READY), bench.pid("r1")
    os.kill(pid, signal.SIGKILL)
    failed = bench.step_until("r1", EngineState.FAILED)
    assert "ended" in failed.reason
    bench.supervisor.step()
    assert bench.status("r1").state is EngineState.FAILED  # not before its time has come
    after = bench.step_until("r1", EngineState.READY, advance_s=0.2)
    assert (after.url, after.fingerprint) == (before.url, before.fingerprint)
    assert bench.pid("r1") != pid
    assert bench.audited("r1") == ["engine_ready", "engine_failed", "engine_ready"]


def test_a_new_supervisor_adopts_the_engine_that_runs(bench: Bench) -> None:
    bench.add("r1")
    before, pid = bench.step_until("r1", EngineState.READY), bench.pid("r1")
    bench.restart_supervisor()
    for _ in range(3):
        bench.supervisor.step()
    assert bench.pid("r1") == pid
    assert bench.status("r1") == before


def test_a_new_supervisor_goes_on_with_an_engine_that_was_starting(bench: Bench) -> None:
    bench.add("r1")
    bench.supervisor.step()
    pid = bench.pid("r1")
    bench.restart_supervisor()
    bench.step_until("r1", EngineState.READY)
    assert bench.pid("r1") == pid


def test_an_engine_that_never_answers_has_failed_after_its_time(bench: Bench) -> None:
    bench.mode = "deaf"
    bench.add("r1")
    bench.supervisor.step()
    pid = bench.pid("r1")
    bench.supervisor.step()
    assert bench.status("r1").state is EngineState.STARTING
    bench.clock.advance(START_TIMEOUT_S + 1)
    bench.supervisor.step()
    assert bench.status("r1").state is EngineState.FAILED
    assert f"not ready after {START_TIMEOUT_S:.0f} s" in bench.status("r1").reason
    assert not psutil.pid_exists(pid)


def test_an_engine_that_cannot_start_says_why_and_is_audited_once(bench: Bench) -> None:
    bench.mode = "broken"
    bench.add("r1")
    reason = bench.step_until("r1", EngineState.FAILED).reason
    assert "no such tensor in /srv/models/r1" in reason
    shown = shown_to_viewers(bench.store)
    assert '"cause":"the engine ended"' in shown
    assert hashlib.sha256(reason.encode()).hexdigest() in shown
    for _ in range(2):
        bench.clock.advance(120)
        bench.supervisor.step()
        bench.step_until("r1", EngineState.FAILED)
    assert bench.audited("r1") == ["engine_failed"]


def test_an_engine_that_falls_silent_is_replaced(bench: Bench) -> None:
    bench.add("r1")
    bench.step_until("r1", EngineState.READY)
    pid = bench.pid("r1")
    os.kill(pid, signal.SIGSTOP)
    bench.step_until("r1", EngineState.FAILED, advance_s=16)
    assert "did not answer" in bench.status("r1").reason
    assert not psutil.pid_exists(pid)


def test_an_unused_release_is_stopped_when_it_has_cooled_down(bench: Bench) -> None:
    bench.add("r1")
    bench.step_until("r1", EngineState.READY)
    bench.clock.advance(3601)
    bench.supervisor.step()
    assert bench.status("r1").state is EngineState.STOPPED
    assert bench.processes.find("r1") is None


def test_quarantine_stops_an_unused_engine_at_once_and_not_a_used_one(bench: Bench) -> None:
    for name in ("r1", "r2"):
        bench.add(name)
        bench.step_until(name, EngineState.READY)
    with bench.store.write() as tx:
        tx.deployments.add(Deployment(name="assistant", generation=1, stable="r1"))
        tx.releases.quarantine("r1", "bad", START)
        tx.releases.quarantine("r2", "bad", START)
    bench.supervisor.step()
    assert bench.status("r1").state is EngineState.READY
    assert bench.status("r2").state is EngineState.STOPPED


def test_a_killed_engines_stubborn_workers_are_ended_before_it_starts_again(bench: Bench) -> None:
    bench.mode = "stubborn"
    bench.add("r1")
    bench.step_until("r1", EngineState.READY)
    pid = bench.pid("r1")
    [worker] = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    bench.mode = "ready"
    bench.step_until("r1", EngineState.FAILED)
    assert worker.is_running()
    bench.step_until("r1", EngineState.READY, advance_s=1)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


def test_an_engine_that_ignores_the_request_to_stop_is_killed_with_its_workers(bench: Bench) -> None:
    bench.mode = "stubborn"
    bench.add("r1")
    bench.step_until("r1", EngineState.READY)
    engine = psutil.Process(bench.pid("r1"))
    [worker] = engine.children()
    bench.supervisor.stop()
    assert not engine.is_running()
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    assert bench.status("r1").state is EngineState.STOPPED
    assert bench.audited("r1")[-1] == "engine_stopped"


def test_files_that_were_changed_after_the_merge_are_never_served(bench: Bench) -> None:
    bench.add("r1")
    (bench.home / "models" / "r1" / "model.safetensors").write_bytes(b"other weights")
    status = bench.step_until("r1", EngineState.FAILED)
    assert "not those that were merged" in status.reason
    assert '"cause":"the engine could not be started"' in shown_to_viewers(bench.store)
    assert bench.processes.find("r1") is None


def test_an_external_engine_is_watched_but_not_started(bench: Bench) -> None:
    url = f"http://127.0.0.1:{free_port(None, ())}"
    with bench.store.write() as tx:
        tx.releases.add(ready("ext", engine=EngineKind.EXTERNAL, url=url))
    bench.supervisor.step()
    assert bench.status("ext").state is EngineState.FAILED
    assert '"cause":"the external engine gave no fingerprint"' in shown_to_viewers(bench.store)
    outside = EngineProcesses(bench.home / "outside", bench.home / "logs", bench.home / "models")
    command = (
        sys.executable,
        "-m",
        "tests.serving.engines.fake_engine",
        "ext",
        url.rpartition(":")[2],
        "ready",
    )
    outside.start("ext", url, command, {**os.environ, "PYTHONPATH": str(Path.cwd())})
    try:
        status = bench.step_until("ext", EngineState.READY, advance_s=1)
        assert (status.url, len(status.fingerprint)) == (url, 4)
        assert bench.processes.started() == []
    finally:
        outside.stop(["ext"], 5)
    assert url in bench.step_until("ext", EngineState.FAILED, advance_s=6).reason


def test_an_external_engine_is_ready_while_one_of_its_replicas_answers(bench: Bench) -> None:
    away, url = (f"http://127.0.0.1:{free_port(None, ())}" for _ in range(2))
    release = ready("ext", engine=EngineKind.EXTERNAL, url=away).model_copy(update={"replicas": (url,)})
    with bench.store.write() as tx:
        tx.releases.add(release)
    outside = EngineProcesses(bench.home / "outside", bench.home / "logs", bench.home / "models")
    module, port = "tests.serving.engines.fake_engine", url.rpartition(":")[2]
    command = (sys.executable, "-m", module, "ext", port, "ready")
    outside.start("ext", url, command, {**os.environ, "PYTHONPATH": str(Path.cwd())})
    try:
        assert bench.step_until("ext", EngineState.READY, advance_s=1).url == away
        for _ in range(12):
            bench.clock.advance(6)
            bench.supervisor.step()
        assert bench.status("ext").state is EngineState.READY
    finally:
        outside.stop(["ext"], 5)
    reason = bench.step_until("ext", EngineState.FAILED, advance_s=6).reason
    assert away in reason
    assert url in reason


def test_the_clock_of_a_state_is_the_time_it_began(bench: Bench) -> None:
    bench.add("r1")
    bench.step_until("r1", EngineState.READY)
    bench.clock.advance(600)
    bench.supervisor.step()
    assert bench.clock.now() - bench.status("r1").updated_at >= timedelta(seconds=600)
