"""Fixtures that every room's tests share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from aftertune.clock import ManualClock
from aftertune.migrations import upgrade
from aftertune.store import Store
from tests.postgres import Postgres, running

# How long an example takes says more about the machine's other work than about the code. Where the examples are the
# same at every run, as in CI, half as many find as much.
settings.register_profile("aftertune", deadline=None, max_examples=50 if "CI" in os.environ else 100)
settings.load_profile("aftertune")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="what lies below the store of tests that do not themselves run on both",
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database, to be copied: migrating takes longer than most tests."""
    file = tmp_path_factory.mktemp("migrated") / "aftertune.db"
    opened = Store(f"sqlite:///{file}")
    upgrade(opened.engine)
    opened.close()
    return file


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """The name of a migrated, empty PostgreSQL database, to be copied."""
    name = postgres.create_database()
    opened = Store(postgres.url(name))
    upgrade(opened.engine)
    opened.close()
    return name


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on; a folder of tests may say both."""
    return str(request.config.getoption("--database"))


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def store_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database of the test's own."""
    if database == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "aftertune.db")
        yield f"sqlite:///{file}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = postgres.create_database(request.getfixturevalue("migrated"))
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Open on `store_url`."""
    opened = Store(store_url)
    yield opened
    opened.close()
