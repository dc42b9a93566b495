"""The job's process, run in this one: what it leaves when it ends at a bad moment, and how the next one takes it up."""

import logging
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from aftertune.store import Store
from aftertune.values.training import TrainingJob, TrainingState
from tests.aftertune.samples import release
from tests.training.jobs import small_spec, spec_file
from training.job import CHECKPOINT_FILE, Journal, read_job, write_job
from training.run import STOPPED, run
from training.tuning import Tuning


class Killed(BaseException):
    """Ends the process's code at once, as kill -9 would."""


@dataclass(frozen=True)
class Process:
    """Runs the job `tiny` in a home folder with a database."""

    folder: Path
    store: Store
    spec: Path

    def __call__(self, *, fresh: bool = False) -> int:
        return run(self.spec, "olga", fresh=fresh)

    def record(self) -> TrainingJob:
        found = read_job(self.folder)
        assert found is not None
        with self.store.read() as tx:
            assert tx.training.get("tiny") == found
        return found


@pytest.fixture
def process(
    tmp_path: Path, store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Process]:
    monkeypatch.setenv("AFTERTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AFTERTUNE_DATABASE__URL", store_url)
    monkeypatch.setenv("AFTERTUNE_TRAINING__THREADS", "1")
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    root, threads = logging.getLogger(), torch.get_num_threads()
    logs, level = list(root.handlers), root.level
    yield Process(tmp_path / "home/training/tiny", store, spec_file(tmp_path, small_spec(tmp_path)))
    root.handlers[:] = logs
    root.setLevel(level)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=False)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def stop_after(patch: pytest.MonkeyPatch, steps: int) -> None:
    """SIGTERM comes during that step of each attempt."""
    done = Tuning._validation_due

    def due(tuning: Tuning) -> bool:
        if tuning._progress.step == steps:
            signal.raise_signal(signal.SIGTERM)
        return done(tuning)

    patch.setattr(Tuning, "_validation_due", due)


def test_killed_with_the_adapter_in_place_and_no_record_of_it_nothing_is_trained_again(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "end", killed)
        with pytest.raises(Killed):
            process()
    assert process.record().state is TrainingState.RUNNING
    assert (process.folder / "adapter").is_dir()
    with monkeypatch.context() as patch:
        patch.setattr("training.optimise.Learner.learn", killed)
        assert process() == 0
    ended = process.record()
    assert (ended.state, ended.resumed_from, ended.step) == (TrainingState.SUCCEEDED, 12, 12)
    assert not (process.folder / CHECKPOINT_FILE).exists()


def test_a_job_that_nobody_could_end_the_record_of_is_taken_up(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        assert process() == STOPPED
    left = process.record()
    assert (left.state, left.checkpoint) == (TrainingState.STOPPED, 5)
    # Job and command were killed together: the record still says that it runs, in a process that is gone.
    alone = left.model_copy(update={"state": TrainingState.RUNNING, "ended_at": None, "pid": 1})
    write_job(process.folder, alone)
    assert process() == 0
    ended = process.record()
    assert (ended.state, ended.resumed_from, ended.reason) == (TrainingState.SUCCEEDED, 5, "")


def test_an_attempt_that_fails_before_it_reads_its_checkpoint_still_says_where_it_goes_on(
    process: Process, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        assert process() == STOPPED
    stopped = process.record()

    def no_memory(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Tuning, "__init__", no_memory)
        assert process() == 1
    failed = process.record()
    assert (failed.state, failed.step, failed.checkpoint) == (TrainingState.FAILED, 5, 5)
    assert (failed.points, failed.best_validation) == (stopped.points, stopped.best_validation)
    assert "error: Out of memory." in capfd.readouterr().err


def test_the_adapter_of_a_registered_release_is_never_dropped(
    process: Process, capfd: pytest.CaptureFixture[str]
) -> None:
    adapter = process.folder / "adapter/adapter_model.safetensors"
    adapter.parent.mkdir(parents=True)
    adapter.write_text("weights")
    with process.store.write() as tx:
        tx.releases.add(release("tiny"))
    assert process(fresh=True) == 2
    assert adapter.read_text() == "weights"
    assert "error: The release 'tiny' is registered already." in capfd.readouterr().err


def test_a_folder_that_cannot_be_written_is_said(process: Process, capfd: pytest.CaptureFixture[str]) -> None:
    process.folder.parent.mkdir(parents=True)
    process.folder.write_text("no folder")
    assert process() == 1
    assert "error: A file could not be read or written: File exists." in capfd.readouterr().err
