"""The supervisor as a process: what stops it at its start, and one life of a real engine."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import psutil
import pytest

from aftertune.clock import SystemClock
from aftertune.errors import BadInput, Unavailable
from aftertune.migrations import upgrade
from aftertune.openai_engine import OpenAIEngine
from aftertune.settings import Settings
from aftertune.settings.sections import EngineSettings
from aftertune.store import Store
from aftertune.values.release import EngineKind, EngineState, EngineStatus, Release, ReleaseState
from serving.engines.__main__ import run
from serving.engines.pid_file import read
from serving.engines.process import free_port
from serving.merge.merge import merge
from tests.serving.merge.models import write_adapter, write_base

T = TypeVar("T")


def environment(home: Path, **settings: str) -> dict[str, str]:
    port = str(free_port(None, ()))
    return {
        **os.environ,
        "AFTERTUNE_HOME": str(home),
        "AFTERTUNE_ENGINES__METRICS_PORT": port,
        **{f"AFTERTUNE_ENGINES__{name.upper()}": value for name, value in settings.items()},
    }


def refusal(environ: dict[str, str]) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "serving.engines"],
        env=environ, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stderr


def test_a_metrics_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, message = refusal(environment(tmp_path, metrics_port=port))
    assert code == 2
    assert message.startswith(f"error: Port {port} on 127.0.0.1 is in use")
    assert "AFTERTUNE_ENGINES__METRICS_PORT" in message


def test_a_missing_vllm_is_named_with_its_remedy(tmp_path: Path) -> None:
    engines = EngineSettings(kind=EngineKind.VLLM, vllm_python=str(tmp_path / "python"))
    with pytest.raises(Unavailable, match="Run 'make vllm'"):
        run(Settings(home=tmp_path, engines=engines), threading.Event())


def test_one_home_has_one_supervisor(tmp_path: Path) -> None:
    (tmp_path / "engines").mkdir()
    with (tmp_path / "engines" / "supervisor.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="Another engine supervisor"):
            run(Settings(home=tmp_path), threading.Event())


@contextmanager
def supervisor(environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Ends with SIGTERM, so that nothing is left running whatever the test found."""
    child = subprocess.Popen([sys.executable, "-m", "serving.engines"], env=environ)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(60)


def until(get: Callable[[], T | None], timeout_s: float = 240) -> T:
    deadline = time.monotonic() + timeout_s
    while True:
        got = get()
        if got is not None:
            return got
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def home_store(home: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{home / 'aftertune.db'}")
    upgrade(store.engine)
    yield store
    store.close()


@pytest.mark.timeout(600)
def test_a_real_engine_is_started_adopted_and_stopped(tmp_path: Path, home: Path, home_store: Store) -> None:
    write_base(tmp_path / "base")
    write_adapter(tmp_path / "v1", tmp_path / "base")
    out = home / "models" / "rel-1"
    passport = merge("rel-1", tmp_path / "base", tmp_path / "v1", out, SystemClock(), lambda _line: None)
    with home_store.write() as tx:
        tx.releases.add(
            Release(
                id="rel-1",
                engine=EngineKind.TRANSFORMERS,
                state=ReleaseState.READY,
                model_path=str(out),
                passport=passport,
                created_by="ann",
                created_at=passport.merged_at,
            )
        )

    def engine_in(state: EngineState) -> Callable[[], EngineStatus | None]:
        def look() -> EngineStatus | None:
            with home_store.read() as tx:
                status = tx.releases.engine("rel-1")
            return status if status is not None and status.state is state else None

        return look

    environ = environment(home)
    with supervisor(environ) as first:
        status = until(engine_in(EngineState.READY))
        with closing(OpenAIEngine(status.url, "rel-1")) as engine:
            answer = engine.chat([{"role": "user", "content": "Hello"}], max_tokens=8)
        assert answer.usage is not None
        assert answer.usage.completion_tokens <= 8
        raw = httpx.post(
            f"{status.url}/v1/chat/completions",
            json={"model": "rel-1", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2},
            timeout=90,
        )
        assert str(tmp_path) not in raw.text
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    running = read(home / "engines" / "rel-1.json")
    assert running is not None
    assert _lives(running.pid)
    metrics = f"http://127.0.0.1:{environ['AFTERTUNE_ENGINES__METRICS_PORT']}/metrics"
    with supervisor(environ):
        until(lambda: _sample(metrics, 'aftertune_engines{state="ready"} 1.0'))
        assert read(home / "engines" / "rel-1.json") == running
        assert engine_in(EngineState.READY)() == status
    assert not _lives(running.pid)
    with home_store.read() as tx:
        assert [entry.action for entry in tx.audit.entries()] == ["engine_ready", "engine_stopped"]


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _sample(url: str, line: str) -> str | None:
    try:
        text = httpx.get(url, timeout=5).text
    except httpx.HTTPError:
        return None
    return text if line in text else None
