"""The C programs, compiled once, and an engine made of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.router import engine as engine_module
from benchmarks.router.engine import Engine
from benchmarks.router.load import Load
from benchmarks.router.programs import build


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(tmp_path_factory.mktemp("programs"))


@pytest.fixture
def engine(programs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(engine_module, "BUILD", tmp_path)
    with Engine(programs["upstream"], "engine") as running:
        yield running


@pytest.fixture
def load(programs: dict[str, Path]) -> Load:
    return Load(programs["load"], token="sk-test")
