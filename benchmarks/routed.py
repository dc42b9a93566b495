"""A router process with a fake engine behind it, as `python -m serving.router` and `python -m tests.fakes.engine`."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from aftertune.control import create_control_token
from aftertune.identity import token_hash
from aftertune.values.route import KeyGrant, Mode, Route, RoutingTable, Target

ROOT = Path(__file__).parents[1]
KEY = "at_bench"
DEPLOYMENT = "tasks"
START_S = 60.0
TRIES_EVERY_S = 0.05


@dataclass(frozen=True)
class Routed:
    """Where the router listens, and its process."""

    host: str
    port: int
    admin_port: int
    process: psutil.Process

    @property
    def rss_bytes(self) -> int:
        return int(self.process.memory_info().rss)

    def sockets(self) -> int:
        """Open TCP sockets of the process, listeners included."""
        return len(self.process.net_connections(kind="tcp"))

    def alive(self) -> bool:
        return self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE

    def metrics(self) -> list[str]:
        """The samples that a scrape gets now: one line a series."""
        url = f"http://{self.host}:{self.admin_port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return [line for line in lines if line and not line.startswith("#")]


@contextmanager
def routed(home: Path, settings: Mapping[str, str], *, mirror: bool = True) -> Iterator[Routed]:
    """Start both and yield once the router is healthy; end both afterwards.

    `settings` are further ones of the router by their environment names, without the prefix. Raises TimeoutError.
    """
    with ExitStack() as stack:
        engines = {name: _free_port() for name in ("v1", "v2")}
        for name, port in engines.items():
            command = [sys.executable, "-m", "tests.fakes.engine", "--port", str(port), "--served-name", name]
            _started(stack, command, dict(os.environ))
        ports = {"PORT": _free_port(), "ADMIN_PORT": _free_port()}
        create_control_token(home / "control.token")
        (home / "routing").mkdir()
        (home / "routing" / "router-1.json").write_text(_table(engines, mirror=mirror).model_dump_json())
        given = {f"ROUTER__{name}": str(port) for name, port in ports.items()}
        given |= {"HOME": str(home), "MONITOR__PORT": str(_free_port()), **settings}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTUNE_")}
        environment |= {f"AFTERTUNE_{name}": value for name, value in given.items()}
        process = _started(stack, [sys.executable, "-m", "serving.router"], environment)
        for port in (*engines.values(), *ports.values()):
            _wait_for(port)
        yield Routed("127.0.0.1", ports["PORT"], ports["ADMIN_PORT"], psutil.Process(process.pid))


def _table(engines: Mapping[str, int], *, mirror: bool) -> RoutingTable:
    stable, candidate = (
        Target(release=name, url=f"http://127.0.0.1:{port}", served_name=name)
        for name, port in engines.items()
    )
    route = Route(
        deployment=DEPLOYMENT,
        generation=1,
        stable=stable,
        candidate=candidate if mirror else None,
        mode=Mode.SHADOW if mirror else Mode.NONE,
        mirror=1.0 if mirror else 0.0,
    )
    return RoutingTable(revision=1, routes=(route,), keys={token_hash(KEY): KeyGrant(name="bench")})


def _started(stack: ExitStack, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing listens on port {port} after {START_S:.0f} s") from None
            time.sleep(TRIES_EVERY_S)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
