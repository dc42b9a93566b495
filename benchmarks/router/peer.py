"""What a peer is: how it is started before an engine and its shadow, and what can be asked of it."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.router.places import ROOT


@dataclass(frozen=True)
class Site:
    """Where one peer runs in one round."""

    folder: Path
    port: int
    stable: int
    shadow: int


@dataclass(frozen=True)
class Start:
    """The command, the environment that it needs besides ours, and the folder that it is started in."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT


@dataclass(frozen=True)
class Peer:
    """One row of the table. `missing` says why it cannot run here, or nothing.

    `rate`, `streams` and `step_us` are what it can follow: requests a second of the open loop, and streams at once with
    the time between two of their chunks. Much slower peers are asked less, as a queue says nothing about a proxy.
    """

    name: str
    mirrors: bool
    start: Callable[[Site], Start]
    version: Callable[[], str]
    missing: Callable[[], str]
    token: str = "sk-bench"
    rate: float = 200.0
    streams: int = 64
    step_us: int = 10_000
    starts_in_s: float = 20.0


def printed(*command: str) -> str:
    """The first line that a command prints; empty when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines and done.returncode == 0 else ""
