"""The merge queue with a stand-in for the merge itself."""

import hashlib
import sys
import time
from pathlib import Path

import pytest

from aftertune.clock import ManualClock
from aftertune.store import Store
from aftertune.values.release import EngineKind, Release, ReleaseState
from serving.engines.merges import Merges
from tests.serving.engines.releases import START, shown_to_viewers

MERGES = """
import sys
from pathlib import Path
from tests.serving.engines.releases import merged
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
out = Path(given["--out"])
if not out.exists():
    merged(out, given["--release"])
"""
REFUSES = (
    "import sys; print('checking'); print('error: adapter for another base', file=sys.stderr); sys.exit(2)"
)
DIES = "import os; os.kill(os.getpid(), 9)"
PATIENCE_S = 100.0
HANGS = "import time; time.sleep(600)"


def registered(name: str, engine: EngineKind = EngineKind.TRANSFORMERS) -> Release:
    return Release(
        id=name,
        engine=engine,
        state=ReleaseState.REGISTERED,
        base_path="base",
        adapter_path="adapter",
        created_by="ann",
        created_at=START,
    )


def queue(store: Store, clock: ManualClock, home: Path, program: str) -> Merges:
    for folder in ("models", "logs"):
        (home / folder).mkdir(exist_ok=True)
    return Merges(store, clock, home / "models", home / "logs", (sys.executable, "-c", program))


def step_until(merges: Merges, store: Store, name: str, state: ReleaseState) -> Release:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        merges.step()
        with store.read() as tx:
            release = tx.releases.get(name)
        if release.state is state:
            return release
        assert time.monotonic() < deadline
        time.sleep(0.02)


def actions(store: Store) -> list[str]:
    with store.read() as tx:
        return [entry.action for entry in tx.audit.entries()]


def test_releases_are_merged_one_at_a_time(store: Store, clock: ManualClock, tmp_path: Path) -> None:
    merges = queue(store, clock, tmp_path, MERGES)
    with store.write() as tx:
        tx.releases.add(registered("r1"))
        tx.releases.add(registered("r2"))
    merges.step()
    with store.read() as tx:
        assert [release.id for release in tx.releases.in_state(ReleaseState.MERGING)] == ["r1"]
    for name in ("r1", "r2"):
        release = step_until(merges, store, name, ReleaseState.READY)
        assert release.passport is not None
        assert release.model_path == str(tmp_path / "models" / name)
    assert actions(store) == ["release_merging", "release_merged"] * 2
    assert '"merged_digest"' in shown_to_viewers(store)


def test_a_refused_merge_rejects_the_release_with_its_reason(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    merges = queue(store, clock, tmp_path, REFUSES)
    with store.write() as tx:
        tx.releases.add(registered("r1"))
    assert step_until(merges, store, "r1", ReleaseState.REJECTED).reason == "adapter for another base"
    assert actions(store) == ["release_merging", "release_rejected"]


def test_the_real_merge_understands_how_it_is_called(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    for folder in ("models", "logs"):
        (tmp_path / folder).mkdir()
    merges = Merges(store, clock, tmp_path / "models", tmp_path / "logs")
    with store.write() as tx:
        tx.releases.add(registered("r1").model_copy(update={"base_path": str(tmp_path / "none")}))
    rejected = step_until(merges, store, "r1", ReleaseState.REJECTED)
    assert rejected.reason.startswith(f"{tmp_path / 'none'} is not a folder.")
    assert str(tmp_path) not in shown_to_viewers(store)


def test_a_rejection_is_audited_by_its_cause_and_the_digest_of_its_reason(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    said = f"error: {tmp_path}/base and ../adapter differ, see http://127.0.0.1:9001/why"
    merges = queue(store, clock, tmp_path, f"import sys; print({said!r}); sys.exit(2)")
    with store.write() as tx:
        tx.releases.add(registered("r1"))
    reason = step_until(merges, store, "r1", ReleaseState.REJECTED).reason
    assert reason == said.removeprefix("error: ")
    shown = shown_to_viewers(store)
    assert "the merge refused it" in shown
    assert hashlib.sha256(reason.encode()).hexdigest() in shown


def test_a_merge_without_a_passport_rejects_the_release(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    merges = queue(store, clock, tmp_path, "")
    with store.write() as tx:
        tx.releases.add(registered("r1"))
    assert str(tmp_path) in step_until(merges, store, "r1", ReleaseState.REJECTED).reason
    assert "no passport" in shown_to_viewers(store)


def test_a_merge_that_dies_says_nothing_about_the_release_and_is_tried_again(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    merges = queue(store, clock, tmp_path, DIES)
    with store.write() as tx:
        tx.releases.add(registered("r1"))
    deadline = time.monotonic() + PATIENCE_S
    reason = ""
    while not reason and time.monotonic() < deadline:
        merges.step()
        with store.read() as tx:
            reason = tx.releases.get("r1").reason
        time.sleep(0.02)
    assert "-9" in reason
    again = queue(store, clock, tmp_path, MERGES)
    assert step_until(again, store, "r1", ReleaseState.READY).reason == ""


@pytest.mark.parametrize("interrupted", [MERGES, HANGS])
def test_a_new_supervisor_takes_up_what_the_old_one_left(
    store: Store, clock: ManualClock, tmp_path: Path, interrupted: str
) -> None:
    merges = queue(store, clock, tmp_path, interrupted)
    with store.write() as tx:
        tx.releases.add(registered("r1"))
    merges.step()
    merges.stop()
    again = queue(store, clock, tmp_path, MERGES)
    step_until(again, store, "r1", ReleaseState.READY)


def test_an_external_release_needs_no_merge(store: Store, clock: ManualClock, tmp_path: Path) -> None:
    external = registered("ext", EngineKind.EXTERNAL).model_copy(update={"url": "http://gpu:8000"})
    with store.write() as tx:
        tx.releases.add(external)
    queue(store, clock, tmp_path, MERGES).step()
    with store.read() as tx:
        assert tx.releases.get("ext").state is ReleaseState.READY
    shown_to_viewers(store)
