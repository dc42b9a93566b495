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
from aftertune.settings import RouterSettings, Settings
from aftertune.up import port_is_free

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Stack:
    """Running rooms: where they listen, and the admin's token of this start (None on a later one)."""

    console_url: str
    router_url: str
    admin_token: str | None
    process: subprocess.Popen[str]


@contextmanager
def running(home: Path, engine: str, say: Callable[[str], None], *, fresh: bool = True) -> Iterator[Stack]:
    """Start every room, yield once they are ready, end every process afterwards. Raises Unavailable."""
    if fresh:
        shutil.rmtree(home, ignore_errors=True)
    environment = os.environ | {"AFTERTUNE_HOME": str(home.absolute()), "AFTERTUNE_ENGINES__KIND": engine}
    environment |= _free_ports()
    process = subprocess.Popen(
        [sys.executable, "-m", "aftertune", "up"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        yield _wait_until_ready(process, say)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_ready(process: subprocess.Popen[str], say: Callable[[str], None]) -> Stack:
    found: dict[str, str] = {}
    lines: list[str] = []
    ready = threading.Event()
    pattern = re.compile(r"^(admin token|console|router)\b.*?\s(\S+)$")

    def read() -> None:
        for line in process.stdout or ():
            lines.append(line.strip())
            match = pattern.match(line.strip())
            if match and match[1] not in found:
                found[match[1]] = match[2]
            elif not match:
                say(f"up: {line.strip()}")
            if {"console", "router"} <= found.keys():
                ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    if not ready.wait(START_TIMEOUT_S) or "router" not in found:
        raise Unavailable(f"'aftertune up' did not start: {' '.join(lines[-3:]) or 'no message'}")
    return Stack(
        console_url=found["console"],
        router_url=found["router"].removesuffix("/v1"),
        admin_token=found.get("admin token"),
        process=process,
    )


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
