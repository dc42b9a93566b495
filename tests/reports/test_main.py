"""The room as a process: it builds what is asked for, survives its own kill, and ends when told to."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.values.report import ReportState
from reports.verify import verify
from tests.reports import world


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def room(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "AFTERTUNE_HOME": str(home),
        "AFTERTUNE_REPORTS__METRICS_PORT": str(port),
        "AFTERTUNE_REPORTS__TICK_S": "0.05",
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "reports"], env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def eventually(true: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 240
    while not true():
        assert process.poll() is None, "the room ended"
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


@pytest.mark.timeout(600)
def test_a_killed_room_leaves_nothing_half_written_and_the_next_one_ends_it(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    store = Store(f"sqlite:///{home / 'aftertune.db'}")
    upgrade(store.engine)
    with store.write() as tx:
        tx.audit.append(world.MONDAY, "system", "create_user", "admin")
        tx.reports.add(world.report(state=ReportState.REQUESTED))

    def state() -> ReportState:
        with store.read() as tx:
            return tx.reports.get("rp-1").state

    with room(home, port) as first:
        eventually(lambda: state() is ReportState.BUILDING, first)
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert state() is ReportState.BUILDING
    assert not (home / "reports" / "rp-1").exists()

    with room(home, port) as second:
        eventually(lambda: state() is not ReportState.BUILDING, second)
        assert state() is ReportState.READY
        assert [check for check in verify(home / "reports" / "rp-1") if not check.ok] == []
        assert [path.name for path in (home / "reports").iterdir()] == ["rp-1"]
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        assert 'aftertune_last_success_timestamp_seconds{job="reports"}' in metrics
        eventually(lambda: _counted(port), second)
        second.terminate()
        assert second.wait(60) == 0
    store.close()


def _counted(port: int) -> bool:
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    return 'aftertune_reports_total{outcome="ready"} 1.0' in metrics


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("AFTERTUNE_REPORTS__WEEKLY", "every monday", "The schedule 'every monday' cannot be read"),
        ("AFTERTUNE_EVALS__TIME_ZONE", "Mars/Olympus", "Unknown time zone 'Mars/Olympus'"),
    ],
)
def test_bad_settings_stop_it_with_a_message(variable: str, value: str, message: str, tmp_path: Path) -> None:
    environment = os.environ | {"AFTERTUNE_HOME": str(tmp_path), variable: value}
    done = subprocess.run(
        [sys.executable, "-m", "reports"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_a_database_that_is_away_is_told_once(tmp_path: Path) -> None:
    """No schema yet: the room waits, and says so in one line."""
    with room(tmp_path, free_port()) as process:
        assert process.stderr is not None
        seen = b""
        while b"reports waits" not in seen:
            seen = process.stderr.readline()
            assert seen, "the room ended"
        time.sleep(1.5)
        process.terminate()
        assert process.wait(60) == 0
        assert b"reports waits" not in process.stderr.read()
