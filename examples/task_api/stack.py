"""`aftertune up` as a child process, on free ports, in a home folder of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aftertune.errors import Unavailable
from aftertune.rooms import port_is_free
from aftertune.settings import Settings
from aftertune.settings.sections import RouterSettings

START_TIMEOUT_S = 240.0
STOP_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Stack:
    """Running rooms: where they listen, and the admin's token of this start (None on a later one).

    `ports` are the settings, as environment variables, that chose their ports.
    """

    console_url: str
    router_url: str
    admin_token: str | None
    ports: dict[str, str]
    process: subprocess.Popen[str]


@contextmanager
def running(
    home: Path,
    engine: str,
    say: Callable[[str], None],
    *,
    fresh: bool = True,
    ports: dict[str, str] | None = None,
) -> Iterator[Stack]:
    """Start every room, yield once they are ready, end every process afterwards. Raises Unavailable."""
    if fresh:
        shutil.rmtree(home, ignore_errors=True)
    environment = os.environ | {
        "AFTERTUNE_HOME": str(home.absolute()),
        "AFTERTUNE_ENGINES__KIND": engine,
        # A story of minutes: a smaller reference window than one would take for a week.
        "AFTERTUNE_DRIFT__REFERENCE": "120",
    }
    ports = ports or _free_ports()
    with subprocess.Popen(
        [sys.executable, "-m", "aftertune", "up"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment | ports,
        start_new_session=True,
    ) as process:
        said = _Said(process, say)
        try:
            yield said.stack(ports)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
            said.join()


class _Said:
    """Reads what `up` prints, in a thread: addresses and the token, and whatever else it says."""

    _ADDRESS = re.compile(r"^(admin token|console|router)(?: \(shown once\):)?\s+(\S+)$")

    def __init__(self, process: subprocess.Popen[str], say: Callable[[str], None]) -> None:
        self._process = process
        self._say = say
        self._found: dict[str, str] = {}
        self._last = "no message"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def stack(self, ports: dict[str, str]) -> Stack:
        """Once the rooms are ready. Raises Unavailable."""
        if not self._ready.wait(START_TIMEOUT_S) or "router" not in self._found:
            raise Unavailable(f"'aftertune up' did not start: {self._last}")
        return Stack(
            console_url=self._found["console"],
            router_url=self._found["router"].removesuffix("/v1"),
            admin_token=self._found.get("admin token"),
            ports=ports,
            process=self._process,
        )

    def join(self) -> None:
        self._thread.join()

    def _read(self) -> None:
        for line in map(str.strip, self._process.stdout or ()):
            address = self._ADDRESS.match(line)
            if address:
                self._found[address[1]] = address[2]
            else:
                self._last = line
                self._say(f"up: {line}")
            if {"console", "router"} <= self._found.keys():
                self._ready.set()
        self._ready.set()


def _free_ports() -> dict[str, str]:
    """The usual ports where they are free, else any that is."""
    usual = Settings.model_construct()
    wanted = {
        "ROUTER__PORT": RouterSettings().port,
        "ROUTER__ADMIN_PORT": RouterSettings().admin_port,
        "MONITOR__PORT": usual.monitor.port,
        "CONSOLE__PORT": usual.console.port,
        "CONSOLE__METRICS_PORT": usual.console.metrics_port,
        "ENGINES__METRICS_PORT": usual.engines.metrics_port,
        "ENCODER__PORT": usual.encoder.port,
        "EVALS__METRICS_PORT": usual.evals.metrics_port,
        "REPORTS__METRICS_PORT": usual.reports.metrics_port,
    }
    chosen: dict[str, str] = {}
    with _reserved() as reserve:
        for name, port in wanted.items():
            free = port if port_is_free("127.0.0.1", port) else reserve()
            chosen[f"AFTERTUNE_{name}"] = os.environ.get(f"AFTERTUNE_{name}", str(free))
    return chosen


@contextmanager
def _reserved() -> Iterator[Callable[[], int]]:
    """Hands out ports that stay taken until the block ends, so that no two are the same."""
    sockets: list[socket.socket] = []

    def reserve() -> int:
        holder = socket.socket()
        holder.bind(("127.0.0.1", 0))
        sockets.append(holder)
        return int(holder.getsockname()[1])

    try:
        yield reserve
    finally:
        for holder in sockets:
            holder.close()
