"""Jobs as real child processes: stopped, killed, out of memory, twice at once."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
import torch
import typer
from rich.console import Console

from aftertune.cli.attached import Attached, _display, _line
from aftertune.errors import BadInput, Corrupt, Unavailable
from aftertune.migrations import upgrade
from aftertune.settings import Settings
from aftertune.settings.sections import TrainingSettings
from aftertune.store import Store
from aftertune.values.training import TrainingJob, TrainingPoint, TrainingState
from tests.training.jobs import JOB, small_spec, spec_file
from training.job import only_one, read_job, write_job
from training.order import place_order
from training.run import failure_reason
from training.spec import read_spec
from training.tuning import Tuning

PATIENCE_S = 120.0


class Jobs:
    """A home folder with a database, and the job `tiny` in it."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, training=TrainingSettings(threads=1, heartbeat_s=0.1))
        self.folder = self.settings.training_folder / "tiny"
        self.said: list[str] = []

    def run(self, spec: Path) -> TrainingJob:
        return Attached(self.settings, self.folder, self.said.append).run(spec, "olga", fresh=False)

    def stored(self) -> TrainingJob:
        store = Store(self.settings.database_url)
        with store.read() as tx:
            job = tx.training.get("tiny")
        store.close()
        return job

    @contextmanager
    def when(self, true: Callable[[TrainingJob], bool], act: Callable[[TrainingJob], None]) -> Iterator[None]:
        """Acts once on a running job's record."""
        thread = threading.Thread(target=self._await, args=(true, act))
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def _await(self, true: Callable[[TrainingJob], bool], act: Callable[[TrainingJob], None]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            job = read_job(self.folder)
            if job is not None and job.state is TrainingState.RUNNING and true(job):
                return act(job)
            time.sleep(0.005)
        return None


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    made = Jobs(tmp_path / "home")
    made.settings.home.mkdir()
    store = Store(made.settings.database_url)
    upgrade(store.engine)
    store.close()
    monkeypatch.setenv("AFTERTUNE_TRAINING__THREADS", "1")
    monkeypatch.setenv("AFTERTUNE_TRAINING__HEARTBEAT_S", "0.1")
    return made


def test_killed_and_run_again_it_comes_to_the_adapter_of_one_run(jobs: Jobs, tmp_path: Path) -> None:
    spec = spec_file(tmp_path, small_spec(tmp_path, steps=48, batch=4, every=4))

    def kill_it(job: TrainingJob) -> None:
        os.kill(job.pid, signal.SIGKILL)

    once = jobs.when(lambda job: (job.checkpoint or 0) >= 4, kill_it)
    with once, pytest.raises(Unavailable) as killed:
        jobs.run(spec)
    first = jobs.stored()
    assert (first.state, first.reason) == (TrainingState.FAILED, "killed by signal 9; out of memory?")
    assert str(killed.value) == (
        f"The training job was killed by signal 9 (SIGKILL); out of memory? at step {first.step}. "
        f"Run the same command again: it goes on from step {first.checkpoint}."
    )

    second = jobs.run(spec)
    assert second == jobs.stored() == read_job(jobs.folder)
    assert (second.state, second.step, second.by) == (TrainingState.SUCCEEDED, 48, "olga")
    assert second.resumed_from == first.checkpoint
    assert "tiny: step 48 of 48" in jobs.said[-1]

    torch.set_num_threads(1)
    through = Tuning(place_order(read_spec(spec)), tmp_path, lambda _progress, _saved: None, lambda: False)
    adapter = through.run()
    assert adapter is not None
    name = "adapter_model.safetensors"
    assert (jobs.folder / "adapter" / name).read_bytes() == (adapter / name).read_bytes()
    assert not list(jobs.folder.glob("checkpoint*"))


class StoppedAtOnce(Attached):
    """SIGTERM comes while it watches a stand-in for the job, which has no torch to load before it can end."""

    def _start(self, spec: Path, by: str, output: int, *, fresh: bool) -> "subprocess.Popen[bytes]":
        waiting = (
            "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(130)); signal.pause()"
        )
        return subprocess.Popen([sys.executable, "-c", waiting])

    def _watch(self, child: "subprocess.Popen[bytes]") -> None:
        signal.raise_signal(signal.SIGTERM)
        super()._watch(child)


@pytest.mark.parametrize(("checkpoint", "then"), [(7, "goes on from step 7"), (None, "starts over")])
def test_whoever_stops_the_command_stops_the_job(jobs: Jobs, checkpoint: int | None, then: str) -> None:
    jobs.folder.mkdir(parents=True)
    write_job(jobs.folder, JOB.model_copy(update={"checkpoint": checkpoint}))
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(typer.Exit) as stopped:
        StoppedAtOnce(jobs.settings, jobs.folder, jobs.said.append).run(Path("spec"), "olga", fresh=False)
    assert stopped.value.exit_code == 130
    assert jobs.said == [f"stopped; run the same command again: it {then}"]
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_terminal_of_80_columns_shows_how_far_and_how_well() -> None:
    point = TrainingPoint(step=12_000, loss=0.01234, validation=0.0186)
    changes = {"step": 12_345, "steps": 99_999, "seconds": 45_000.0, "points": (point,)}
    best = {"best_step": 11_000, "best_validation": 0.0181, "resumed_from": 11_500}
    shown = Console(width=80, file=StringIO(), record=True)
    shown.print(_display(JOB.model_copy(update=changes | best)))
    far, well = shown.export_text().splitlines()
    assert far.startswith("v9: step 12345 of 99999 ━")
    assert far.rstrip().endswith("12 h, 89 h to go")
    assert well == "loss 0.0123, validation 0.0186, best 0.0181 at step 11000, resumed from 11500"
    assert _line(JOB) == "v9: step 0 of 10, starting"


def test_a_folder_that_cannot_be_written_is_said(jobs: Jobs) -> None:
    jobs.settings.training_folder.write_text("no folder")
    with pytest.raises(
        BadInput, match=r"The job's folder .*tiny cannot be written: Not a directory\. Correct"
    ):
        jobs.run(Path("spec"))


@contextmanager
def little_memory(limit: int) -> Iterator[None]:
    """Processes started inside may hold so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def test_out_of_memory_is_said_plainly(jobs: Jobs, tmp_path: Path) -> None:
    spec = small_spec(tmp_path, steps=2, batch=600, every=1)
    turns = [{"role": "user", "content": "why " * 300}, {"role": "assistant", "content": "so"}]
    spec.data.train.write_text(json.dumps({"messages": turns}))
    short = pytest.raises(Unavailable, match=r"^Out of memory\. Free some and run the same command again")
    with little_memory(1_500_000_000), short:
        jobs.run(spec_file(tmp_path, spec))
    failed = jobs.stored()
    assert (failed.state, failed.step) == (TrainingState.FAILED, 0)
    assert failed.reason.startswith("Out of memory.")


def test_a_second_one_at_once_is_turned_away(jobs: Jobs, tmp_path: Path) -> None:
    spec = spec_file(tmp_path, small_spec(tmp_path))
    with only_one(jobs.folder), pytest.raises(BadInput, match="The training job 'tiny' already runs"):
        jobs.run(spec)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "Out of memory. Free some and run the same command again"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), "Out of memory."),
        (RuntimeError("CUDA out of memory."), "Out of memory."),
        (
            FloatingPointError("the loss of step 3 is nan"),
            "Training came apart: the loss of step 3 is nan. Lower",
        ),
        (
            OSError(28, "No space left on device"),
            "A file could not be read or written: No space left on device. Put that right (make room",
        ),
        (
            Corrupt("The checkpoint x cannot be read.", "Start over."),
            "The checkpoint x cannot be read. Start over.",
        ),
        (
            OSError("no file named model.safetensors in base."),
            "A file could not be read or written: no file named model.safetensors in base. Put",
        ),
        (KeyError("x"), "KeyError: 'x'. The log has the details"),
    ],
)
def test_each_failure_has_a_reason_and_a_remedy(error: Exception, reason: str) -> None:
    assert failure_reason(error).startswith(reason)
