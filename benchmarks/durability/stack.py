"""A router, two engines and ingest as processes that can be killed and started again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Self

import httpx

from aftertune.control import create_control_token
from aftertune.identity import token_hash
from aftertune.values.route import KeyGrant, Mode, Route, RoutingTable, Target
from benchmarks.durability.ingest import URL
from tests.flows.ports import free_port
from tests.flows.waiting import wait_for

ROOT = Path(__file__).parents[2]
KEY = "at_durability"
ROUTER = "router-1"


class Child:
    """One process; its output goes to a file."""

    def __init__(self, module: str, *arguments: str, log: IO[bytes], env: dict[str, str]) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._log = log
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._env, stdout=self._log, stderr=self._log
        )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait for the end. Raises AssertionError where it was not clean."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(60) == 0, "the router did not end cleanly"


class Stack:
    """`url` is the router's; `spool` its folder of folders."""

    def __init__(
        self, home: Path, database_url: str, settings: dict[str, str], engine_pause_s: float
    ) -> None:
        self.spool = home / "spool"
        self._log = (home / "log").open("ab")
        engines, port, admin = [free_port() for _ in range(2)], free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        create_control_token(home / "control.token")
        (home / "routing").mkdir()
        (home / "routing" / f"{ROUTER}.json").write_text(_table(engines).model_dump_json())
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTUNE_")}
        router = {
            **clean,
            "AFTERTUNE_HOME": str(home),
            "AFTERTUNE_ROUTER__NAME": ROUTER,
            "AFTERTUNE_ROUTER__PORT": str(port),
            "AFTERTUNE_ROUTER__ADMIN_PORT": str(admin),
            "AFTERTUNE_MONITOR__PORT": str(free_port()),
            **settings,
        }
        self.engines = [
            Child(
                "tests.fakes.engine",
                *("--port", str(engine), "--served-name", name, "--pause", str(engine_pause_s)),
                log=self._log,
                env=clean,
            )
            for name, engine in zip(("v1", "v2"), engines, strict=True)
        ]
        self.router = Child("serving.router", log=self._log, env=router)
        self.ingest = Child(
            "benchmarks.durability.ingest", str(self.spool), log=self._log, env={**clean, URL: database_url}
        )

    def serves(self) -> bool:
        return httpx.get(f"{self.url}/healthz", timeout=2).status_code == httpx.codes.OK

    def segments(self) -> list[Path]:
        return [path for path in self.spool.glob("*/*") if path.suffix in (".open", ".seg")]

    def settle(self, seconds: float) -> None:
        """End the router; return when ingest has read and deleted everything."""
        self.router.stop()
        wait_for(lambda: not self.segments(), "ingest to finish", seconds)

    def close(self) -> None:
        self._log.close()


@contextmanager
def running(
    home: Path, database_url: str, settings: dict[str, str] | None = None, engine_pause_s: float = 0.02
) -> Iterator[Stack]:
    """Everything started and answering; all of it is gone afterwards."""
    stack = Stack(home, database_url, settings or {}, engine_pause_s)
    with ExitStack() as children:
        children.callback(stack.close)
        for child in (*stack.engines, stack.router, stack.ingest):
            children.enter_context(child)
        wait_for(stack.serves, "the router", 60)
        yield stack


def _table(engines: list[int]) -> RoutingTable:
    stable, candidate = (
        Target(release=f"r-{name}", url=f"http://127.0.0.1:{port}", served_name=name)
        for name, port in zip(("v1", "v2"), engines, strict=True)
    )
    route = Route(
        deployment="tasks", generation=1, stable=stable, candidate=candidate, mode=Mode.SHADOW, mirror=1.0
    )
    return RoutingTable(revision=1, routes=(route,), keys={token_hash(KEY): KeyGrant(name="bench")})
