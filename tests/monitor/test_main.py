"""The process itself: it starts, serves, ingests, and ends when told to."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from aftertune.control import create_control_token
from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.values.route import RouterLease
from monitor.__main__ import main
from tests.monitor.spooling import legs, write


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, port: int) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AFTERTUNE_")}
    environment |= {"AFTERTUNE_HOME": str(home), "AFTERTUNE_MONITOR__PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-m", "monitor"], env=environment, stderr=subprocess.PIPE, text=True
    )


@contextmanager
def running(home: Path, port: int) -> Iterator[httpx.Client]:
    with start(home, port) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                until(lambda: answers(client))
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def until(condition: object, seconds: float = 60) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def test_it_serves_ingests_and_ends_when_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = create_control_token(tmp_path / "control.token")
    store = Store(f"sqlite:///{tmp_path / 'aftertune.db'}")
    port = free_port()
    list(write(tmp_path / "spool" / "router-1", legs(1)))

    with running(tmp_path, port) as client:
        # The database has no tables yet: the process waits for them instead of ending.
        upgrade(store.engine)
        until(lambda: pairs(store) == 1)
        lease = RouterLease(router="router-1", admin_url="http://127.0.0.1:9", revision=0, generations={})
        headers = {"Authorization": f"Bearer {token}"}
        renewed = client.post("/v1/routers/lease", content=lease.model_dump_json(), headers=headers)
        assert renewed.status_code == 200
        assert 'aftertune_last_success_timestamp_seconds{job="ingest"}' in client.get("/metrics").text

        monkeypatch.setenv("AFTERTUNE_HOME", str(tmp_path))
        monkeypatch.setenv("AFTERTUNE_MONITOR__PORT", str(port))
        assert main() == 2
        assert f"Port {port} of 127.0.0.1 cannot be opened" in capsys.readouterr().err
    store.close()


def pairs(store: Store) -> int:
    with store.read() as tx:
        return tx.pairs.count("tasks")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("AFTERTUNE_HOME", "control.token does not exist."),
        ("AFTERTUNE_MONITR__PORT", "Unknown setting 'AFTERTUNE_MONITR__PORT'"),
    ],
)
def test_what_stops_it_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    said: str,
) -> None:
    monkeypatch.setenv(name, str(tmp_path))

    assert main() == 2
    assert said in capsys.readouterr().err
