"""A full week's evidence and its bundle, made once: rendering takes seconds."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aftertune.migrations import upgrade
from aftertune.store import Store
from reports.build import bundle
from reports.compose import compose
from reports.document import Document
from reports.evidence import Evidence, gather
from tests.reports import world


@pytest.fixture(scope="session")
def week_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """For tests that only read."""
    opened = Store(f"sqlite:///{tmp_path_factory.mktemp('week') / 'aftertune.db'}")
    upgrade(opened.engine)
    world.fill(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def evidence(week_store: Store) -> Evidence:
    return gather(week_store, world.week(), None, world.SUNDAY)


@pytest.fixture(scope="session")
def document(evidence: Evidence) -> Document:
    return compose(world.report(), evidence)


@pytest.fixture(scope="session")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def files(evidence: Evidence, document: Document, key: Ed25519PrivateKey) -> Mapping[str, bytes]:
    """A whole bundle; too few exchanges for Evidently, which takes its time."""
    return bundle(document, replace(evidence, lines=evidence.lines[:10]), key)


@pytest.fixture
def folder(files: Mapping[str, bytes], tmp_path: Path) -> Path:
    made = tmp_path / "bundle"
    made.mkdir()
    for name, content in files.items():
        (made / name).write_bytes(content)
    return made
