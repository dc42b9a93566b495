"""Releases whose merged folders hold a few bytes."""

from datetime import datetime
from pathlib import Path

from aftertune.audit import verify
from aftertune.clock import ManualClock
from aftertune.digest import folder_digest
from aftertune.store import Store
from aftertune.values.release import EngineKind, Passport, Proof, Release, ReleaseState
from serving.passport import write_passport

START = ManualClock().now()


def passport(release: str, merged_digest: str = "m", merged_at: datetime = START) -> Passport:
    return Passport(
        release=release,
        base_digest="b",
        adapter_digest="a",
        merged_digest=merged_digest,
        tokenizer_digest="t",
        template_digest="c",
        training={},
        proof=Proof(prompts=8, max_logit_difference=1e-6, tolerance=1e-3),
        versions={},
        merged_at=merged_at,
    )


def ready(
    name: str,
    model_path: str = "",
    engine: EngineKind = EngineKind.TRANSFORMERS,
    digest: str = "m",
    url: str = "",
) -> Release:
    return Release(
        id=name,
        engine=engine,
        state=ReleaseState.READY,
        model_path=model_path,
        url=url,
        passport=None if engine is EngineKind.EXTERNAL else passport(name, digest),
        created_by="ann",
        created_at=START,
    )


def merged(folder: Path, name: str) -> Release:
    """A ready release with files and a passport on disk."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(name.encode())
    write_passport(folder, passport(name, folder_digest(folder)))
    return ready(name, str(folder), digest=folder_digest(folder))


def shown_to_viewers(store: Store) -> str:
    """The bodies of all audit entries, whose chain holds and which name no path and no URL."""
    with store.read() as tx:
        entries = list(tx.audit.entries())
    assert verify(entries).ok
    bodies = "\n".join(entry.body for entry in entries)
    for line in bodies.splitlines():
        assert "/" not in line, line
    return bodies
