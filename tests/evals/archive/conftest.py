"""A measured run, as the archive has it."""

from collections.abc import Callable, Iterator

import pytest

from evals.archive.run_file import RunFile, run_file
from tests.evals.world import World, served
from tests.fakes.engine import FakeEngine, Quality

Measured = Callable[..., RunFile]


@pytest.fixture
def measured(world: World, engine: FakeEngine) -> Measured:
    """Runs a suite on v1, which is good, or on v2, which is not, against the base where the suite wants it."""
    world.register("v1", engine.url)

    def measure(suite: str, name: str = "run-1", release: str = "v1") -> RunFile:
        world.ask_for(release, suite, name)
        world.step()
        return run_file(world.run(name), world.suites[suite].samples, world.results(name))

    return measure


@pytest.fixture
def others(world: World) -> Iterator[None]:
    """The base and the bad release v2, beside v1."""
    with served("base") as base, served("v2", Quality.BAD) as worse:
        world.register("base", base.url)
        world.register("v2", worse.url)
        yield
