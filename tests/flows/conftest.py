"""Engines that somebody else runs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.flows.ports import free_port


@pytest.fixture
def engines() -> Iterator[dict[str, str]]:
    """A good and a careless fake engine, as processes: release → URL."""
    with ExitStack() as processes:
        urls = {}
        for release, quality in (("good", "good"), ("careless", "bad")):
            port = free_port()
            command = [sys.executable, "-m", "tests.fakes.engine", "--port", str(port)]
            process = subprocess.Popen([*command, "--served-name", release, "--quality", quality])
            processes.callback(process.wait)
            processes.callback(process.kill)
            urls[release] = f"http://127.0.0.1:{port}"
        yield urls


@pytest.fixture
def no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """For journeys that are not about drift: no encoder listens, and none is started."""
    monkeypatch.setenv("AFTERTUNE_ENCODER__URL", f"http://127.0.0.1:{free_port()}")
