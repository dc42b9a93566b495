"""The process: starts, serves, ends cleanly, and says what is wrong."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from aftertune.migrations import upgrade
from aftertune.store import Store
from tests.flows.waiting import wait_for


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def console(home: Path, port: int, metrics: int) -> subprocess.Popen[str]:
    environment = os.environ | {
        "AFTERTUNE_HOME": str(home),
        "AFTERTUNE_CONSOLE__PORT": str(port),
        "AFTERTUNE_CONSOLE__METRICS_PORT": str(metrics),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "console"], env=environment, stderr=subprocess.PIPE, text=True
    )


def test_it_serves_until_it_is_told_to_end(store: Store, tmp_path: Path) -> None:
    port, metrics = free_ports(2)
    with console(tmp_path, port, metrics) as process:
        assert process.stderr
        assert f'"the console listens on http://127.0.0.1:{port}"' in process.stderr.readline()
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).json() == {"status": "ok"}
        counted = 'aftertune_console_requests_total{code_class="2xx"} 1.0'
        url = f"http://127.0.0.1:{metrics}/metrics"
        wait_for(lambda: counted in httpx.get(url).text, "the request to be counted")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("taken", ["console", "metrics"])
def test_a_port_in_use(store: Store, tmp_path: Path, taken: str) -> None:
    (free,) = free_ports(1)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        held = holder.getsockname()[1]
        ports = (held, free) if taken == "console" else (free, held)
        with console(tmp_path, *ports) as process:
            _, said = process.communicate(timeout=100)
    assert process.returncode == 2
    assert said.startswith(f"error: Port {held} on 127.0.0.1 is in use.")
    assert "AFTERTUNE_CONSOLE__" in said


def test_a_database_that_is_away_is_waited_for(tmp_path: Path) -> None:
    port, metrics = free_ports(2)
    with console(tmp_path, port, metrics) as process:
        assert process.stderr
        assert "listens" in process.stderr.readline()
        url = f"http://127.0.0.1:{port}/healthz"
        away = httpx.get(url, timeout=60)
        assert (away.status_code, away.json()["title"]) == (503, "Unavailable")
        store = Store(f"sqlite:///{tmp_path / 'aftertune.db'}")
        upgrade(store.engine)
        store.close()
        assert httpx.get(url, timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert "Traceback" not in process.stderr.read()
