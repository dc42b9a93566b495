"""The C load generator: what one run of it saw at each target."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aftertune.errors import Unavailable
from benchmarks.router.places import REST_CORE

_SLACK_S = 60.0


@dataclass(frozen=True)
class Spread:
    """Percentiles in microseconds; None without samples."""

    n: int
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Seen:
    """At one target. `seconds` lasts until the final answer; `pieces` are reads that brought chunks."""

    seconds: float
    sent: int
    answered: int
    errors: int
    pieces: int
    latency: Spread
    first: Spread
    chunk: Spread

    @property
    def per_s(self) -> float:
        return self.answered / self.seconds


@dataclass(frozen=True)
class Load:
    """The compiled generator and the credential it presents."""

    program: Path
    token: str

    def closed(
        self, connections: int, seconds: float, ports: Sequence[int], *, stream: bool = False
    ) -> list[Seen]:
        """So many connections, shared among the ports; each asks again when it was answered."""
        return self._run("closed", connections, seconds, ports, stream)

    def paced(self, per_s: float, seconds: float, ports: Sequence[int]) -> list[Seen]:
        """A constant rate at each port, the ports in turn."""
        return self._run("open", per_s * len(ports), seconds, ports, stream=False)

    def _run(
        self, mode: str, amount: float, seconds: float, ports: Sequence[int], stream: bool
    ) -> list[Seen]:
        command = [
            "taskset",
            "--cpu-list",
            str(REST_CORE),
            str(self.program),
            mode,
            str(amount),
            str(seconds),
        ]
        command += [self.token, *(["stream"] if stream else []), *map(str, ports)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds + _SLACK_S
        )
        if done.returncode != 0:
            raise Unavailable(f"The load generator failed: {done.stderr.strip()}")
        return [_seen(target) for target in json.loads(done.stdout)]


def _seen(target: dict[str, Any]) -> Seen:
    """Of what the generator printed."""
    return Seen(
        seconds=target["seconds"],
        sent=target["sent"],
        answered=target["answered"],
        errors=target["errors"],
        pieces=target["pieces"],
        latency=Spread(**target["latency"]),
        first=Spread(**target["first"]),
        chunk=Spread(**target["chunk"]),
    )
