from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from aftertune.clock import ManualClock
from aftertune.values.release import Passport
from serving.merge.merge import merge
from tests.serving.merge.models import write_adapter, write_base


class Models(NamedTuple):
    base: Path
    adapter: Path


@pytest.fixture(scope="session")
def shared_models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """A base and an adapter that no test may change."""
    folder = tmp_path_factory.mktemp("models")
    models = Models(folder / "base", folder / "v1")
    write_base(models.base)
    write_adapter(models.adapter, models.base)
    return models


@pytest.fixture
def say() -> list[str]:
    """What a merge said."""
    return []


@pytest.fixture
def merge_to(say: list[str]) -> Callable[[Models, Path], Passport]:
    return lambda models, out: merge("r1", models.base, models.adapter, out, ManualClock(), say.append)
