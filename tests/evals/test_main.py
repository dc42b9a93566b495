"""The process itself: it waits for its database, measures, survives a kill, and ends when told to."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from aftertune.clock import ManualClock
from aftertune.migrations import upgrade
from aftertune.program import run_until_told
from aftertune.store import Store
from aftertune.values.evaluation import RunState
from evals.__main__ import run
from evals.suite.suite import load_suites
from tests.evals.world import World, served

RUN = "run-1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, port: int) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AFTERTUNE_")}
    environment |= {
        "AFTERTUNE_HOME": str(home),
        "AFTERTUNE_EVALS__METRICS_PORT": str(port),
        "AFTERTUNE_EVALS__TICK_S": "0.05",
    }
    with (home / "evals.log").open("a") as log:
        return subprocess.Popen([sys.executable, "-m", "evals"], env=environment, stderr=log, text=True)


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


@pytest.mark.timeout(400)
def test_it_waits_for_its_database_resumes_after_a_kill_and_ends_when_told_to(tmp_path: Path) -> None:
    count = len(load_suites()["tool_calls"].samples)
    store = Store(f"sqlite:///{tmp_path / 'aftertune.db'}")
    log, port = tmp_path / "evals.log", free_port()
    with served("v1") as engine:
        engine.pause_s = 0.1
        with start(tmp_path, port) as first:
            until(lambda: "evals waits, and tries again" in log.read_text(), first)
            upgrade(store.engine)
            world = World(store, ManualClock(), {})
            world.register("v1", engine.url)
            world.ask_for("v1", "tool_calls", RUN)
            until(lambda: len(world.results(RUN)) >= 12, first)
            first.kill()
            first.wait()
        kept = world.results(RUN)
        before = len(engine.seen)
        assert (world.run(RUN).state, world.run(RUN).done) == (RunState.RUNNING, len(kept))
        assert len(kept) < count

        engine.pause_s = 0.0
        with start(tmp_path, port) as second:
            until(lambda: world.run(RUN).state.final, second)
            metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
            second.send_signal(signal.SIGTERM)
            assert second.wait(60) == 0
    run, results = world.run(RUN), world.results(RUN)
    assert (run.attempts, run.done, len(results)) == (2, count, count)
    assert [result for result in results if result in kept] == kept
    messages = {sample.id: list(sample.messages) for sample in load_suites()["tool_calls"].samples}
    asked = [seen.json["messages"] for seen in engine.seen[before:]]
    assert len(asked) >= count - len(kept)
    assert not [result.sample for result in kept if messages[result.sample] in asked], "asked again"
    assert (
        'aftertune_evaluation_runs_total{state="failed",suite="tool_calls",trigger="by_hand"} 1.0' in metrics
    )
    store.close()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AFTERTUNE_EVALS__TIME_ZONE", "Mars/Olympus", "there is no time zone 'Mars/Olympus'"),
        (
            "AFTERTUNE_EVALS__JUDGES",
            '[{"url": "http://judge"}]',
            "The setting 'evals__judges__0__model' is wrong",
        ),
        ("AFTERTUNE_EVALS__EXECUTOR", "spark", "The setting 'evals__executor' is wrong"),
        ("AFTERTUNE_EVALS__CONCURENCY", "4", "Unknown setting 'AFTERTUNE_EVALS__CONCURENCY'"),
    ],
)
def test_what_stops_it_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv("AFTERTUNE_HOME", str(tmp_path))
    monkeypatch.setenv(name, value)
    assert run_until_told("evals", run) == 2
    assert said in capsys.readouterr().err


def test_a_taken_port_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("AFTERTUNE_HOME", str(tmp_path))
        monkeypatch.setenv("AFTERTUNE_EVALS__METRICS_PORT", str(taken.getsockname()[1]))
        assert run_until_told("evals", run) == 2
    assert "AFTERTUNE_EVALS__METRICS_PORT" in capsys.readouterr().err
