"""A job's folder: its lock and its record."""

import threading
from pathlib import Path

import pytest

from aftertune.clock import SystemClock
from aftertune.errors import Conflict, Corrupt
from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.values.training import TrainingPoint, TrainingState
from tests.training.jobs import JOB, NOW
from training.job import Journal, done_already, only_one, read_job, refuse_other_order, write_job


def test_a_job_runs_once_at_a_time(tmp_path: Path) -> None:
    with only_one(tmp_path / "v9"):
        write_job(tmp_path / "v9", JOB)
        with (
            pytest.raises(Conflict, match=r"'v9' already runs \(process 7 on here\)"),
            only_one(tmp_path / "v9"),
        ):
            pass
    with only_one(tmp_path / "v9"):
        pass


def test_a_record_that_is_no_record(tmp_path: Path) -> None:
    assert read_job(tmp_path) is None
    (tmp_path / "job.json").write_text("{}")
    with pytest.raises(Corrupt, match="--fresh"):
        read_job(tmp_path)


@pytest.mark.parametrize(
    ("change", "digest", "refused"),
    [
        ({"checkpoint": 5}, "a", False),
        ({}, "b", False),
        ({"state": TrainingState.FAILED}, "b", False),
        ({"checkpoint": 5}, "b", True),
        ({"state": TrainingState.SUCCEEDED}, "b", True),
        ({"state": TrainingState.SUCCEEDED}, "a", False),
    ],
)
def test_another_order_may_not_overwrite_what_this_one_has_got_to(
    change: dict[str, object], digest: str, refused: bool
) -> None:
    job = JOB.model_copy(update=change)
    if refused:
        with pytest.raises(Conflict, match="--fresh"):
            refuse_other_order(job, digest)
    else:
        refuse_other_order(job, digest)


def test_a_job_is_done_when_its_adapter_is_there(tmp_path: Path) -> None:
    done = JOB.model_copy(update={"state": TrainingState.SUCCEEDED})
    assert not done_already(done, "a", tmp_path)
    (tmp_path / "adapter").mkdir()
    assert done_already(done, "a", tmp_path)
    assert not done_already(JOB, "a", tmp_path)


def test_heartbeats_and_progress_reach_file_and_database(tmp_path: Path, store: Store) -> None:
    with Journal(tmp_path, store, SystemClock(), 0.01, JOB) as journal:
        point = TrainingPoint(step=1, loss=2.0, validation=1.5)
        journal.update(step=1, points=(point,))
        for _ in range(5000):
            with store.read() as tx:
                found = tx.training.find("v9")
            if found is not None and found.step == 1 and found.heartbeat_at > NOW:
                break
            threading.Event().wait(0.01)
        assert found is not None
        assert found.points == (point,)
        journal.end(TrainingState.SUCCEEDED, "")
    with store.read() as tx:
        assert tx.training.get("v9") == read_job(tmp_path) == journal.job
    assert journal.job.state is TrainingState.SUCCEEDED
    assert journal.job.ended_at is not None


def test_a_database_that_is_away_holds_nothing_up_and_catches_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = Store(f"sqlite:///{tmp_path / 'db' / 'aftertune.db'}")
    with Journal(tmp_path, away, SystemClock(), 0.01, JOB) as journal:
        journal.update(at_once=True, step=3, points=(TrainingPoint(step=3, loss=1.0),))
        while not caplog.records:
            threading.Event().wait(0.01)
        (tmp_path / "db").mkdir()
        upgrade(away.engine)
        journal.end(TrainingState.STOPPED, "stopped")
    with away.read() as tx:
        assert tx.training.get("v9") == journal.job
    away.close()
    assert sum("Training goes on" in message for message in caplog.messages) == 1


def test_a_disk_that_is_full_costs_the_file_but_not_the_record(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with Journal(tmp_path, store, SystemClock(), 9.0, JOB) as journal:
        monkeypatch.setattr("training.job.write_job", full)
        journal.end(TrainingState.FAILED, "no space left")
    with store.read() as tx:
        assert tx.training.get("v9") == journal.job
