"""Ray's workers, started once."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from evals.executor import RayExecutor


@pytest.fixture(scope="package")
def ray() -> Iterator[RayExecutor]:
    with closing(RayExecutor(2)) as executor:
        yield executor
