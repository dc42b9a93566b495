"""A training job as a child process: started, watched, stopped with us, and told apart by how it ended."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aftertune.child import end_with_us
from aftertune.errors import AftertuneError, BadInput, Unavailable
from aftertune.settings import TOKEN_VARIABLE, Settings
from aftertune.store import Store
from aftertune.up import child_environment
from aftertune.values.training import TrainingJob, TrainingState
from training.job import LOG_FILE, read_job, write_job

STOPPED = 130
_LOOK_S = 0.25
_LAST_WORDS = 4000


class Attached:
    """One attempt at the job in `folder`; `say` gets a line for what a terminal would show in place."""

    def __init__(self, settings: Settings, folder: Path, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._folder = folder
        self._say = say
        self._stopping = False

    def run(self, spec: Path, by: str, *, fresh: bool) -> TrainingJob:
        """Until the adapter is there. Raises BadInput or Unavailable with what went wrong and what to do; exits with
        130 when it was stopped.
        """
        log = self._folder / LOG_FILE
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            output = log.open("ab")
        except OSError as error:
            raise BadInput(
                f"The job's folder {self._folder} cannot be written: {error.strerror}.",
                "Correct that, or set AFTERTUNE_HOME to another folder.",
            ) from None
        with output:
            said_before = output.tell()
            child = self._start(spec, by, output.fileno(), fresh=fresh)
        with self._forwarding(child):
            self._watch(child)
        job = read_job(self._folder)
        if child.returncode == 0 and job is not None:
            return job
        if self._stopping and child.returncode in (STOPPED, -signal.SIGTERM):
            self._say(self._stopped(job))
            raise typer.Exit(STOPPED)
        if child.returncode < 0:
            raise Unavailable(*self._killed(child, job))
        with log.open("rb") as written:
            written.seek(said_before)
            words = written.read()[-_LAST_WORDS:].decode(errors="replace")
        kind = BadInput if child.returncode == BadInput.exit_code else Unavailable
        said = (job.reason if job is not None and job.pid == child.pid else "") or _last_error(words)
        raise kind(said or f"The training job ended with exit code {child.returncode}.", f"Log: {log}")

    def _start(self, spec: Path, by: str, output: int, *, fresh: bool) -> "subprocess.Popen[bytes]":
        environment = child_environment(self._settings)
        environment.pop(TOKEN_VARIABLE, None)  # only we register; training needs no credential
        return subprocess.Popen(
            [sys.executable, "-m", "training", "run", str(spec), "--by", by, *(["--fresh"] if fresh else [])],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches us alone; we pass it on
            preexec_fn=end_with_us,  # noqa: PLW1509  (single-threaded here)
        )

    @contextmanager
    def _forwarding(self, child: "subprocess.Popen[bytes]") -> Iterator[None]:
        """While inside, SIGINT and SIGTERM ask the child to stop: it saves a checkpoint and ends."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            self._stopping = True
            child.terminate()

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            if child.poll() is None:  # we could not go on watching: nothing may train unwatched
                child.terminate()
            child.wait()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _watch(self, child: "subprocess.Popen[bytes]") -> None:
        terminal = Console()
        if terminal.is_terminal:
            with Live(console=terminal, refresh_per_second=4) as live:
                for job in self._changes(child):
                    live.update(_display(job))
            return
        told = -1
        for job in self._changes(child):
            measured = [point.step for point in job.points if point.validation is not None]
            if measured and measured[-1] != told:
                told = measured[-1]
                self._say(_line(job))

    def _changes(self, child: "subprocess.Popen[bytes]") -> Iterator[TrainingJob]:
        """The job's record whenever the child has written a new one, until it ends."""
        seen = None
        ended = False
        while not ended:
            ended = child.poll() is not None  # looked at before the record: the last one is not missed
            job = read_job(self._folder)
            if job is not None and job.pid == child.pid and job != seen:
                seen = job
                yield job
            if not ended:
                time.sleep(_LOOK_S)

    def _killed(self, child: "subprocess.Popen[bytes]", job: TrainingJob | None) -> tuple[str, str]:
        """What to say of a child that a signal ended, and the record that it could not write itself."""
        number = -child.returncode
        cause = "; out of memory?" if number == signal.SIGKILL else ""
        what = f"The training job was killed by signal {number} ({signal.Signals(number).name}){cause}"
        step = job.checkpoint if job is not None else None
        remedy = f"Run the same command again: it {f'goes on from step {step}' if step else 'starts over'}."
        if job is not None and job.pid == child.pid and job.state is TrainingState.RUNNING:
            reason = f"killed by signal {number}{cause}"
            now = datetime.now(UTC)
            self._record(
                job.model_copy(update={"state": TrainingState.FAILED, "reason": reason, "ended_at": now})
            )
            what = f"{what} at step {job.step}"
        return f"{what}.", remedy

    def _record(self, job: TrainingJob) -> None:
        write_job(self._folder, job)
        store = Store(self._settings.database_url)
        try:
            with store.write() as tx:
                tx.training.save(job)
        except AftertuneError as error:
            self._say(f"{error} The job's record is in its folder.")
        finally:
            store.close()

    def _stopped(self, job: TrainingJob | None) -> str:
        step = job.checkpoint if job is not None else None
        return f"stopped; run the same command again: it {f'goes on from step {step}' if step else 'starts over'}"


def _line(job: TrainingJob) -> str:
    """How it goes, on one line of a log."""
    return ", ".join([f"{job.release}: {_position(job)}", *_figures(job), _pace(job)])


def _display(job: TrainingJob) -> RenderableType:
    """How it goes, on two lines of a terminal: how far, and how well."""
    far = Table.grid(padding=(0, 1))
    bar = ProgressBar(job.steps, job.step, width=24)
    far.add_row(Text(f"{job.release}: {_position(job)}"), bar, Text(_pace(job)))
    return Group(far, Text(", ".join(_figures(job))))


def _position(job: TrainingJob) -> str:
    return f"step {job.step} of {job.steps}"


def _figures(job: TrainingJob) -> Iterator[str]:
    if job.points:
        yield f"loss {job.points[-1].loss:.4f}"
    measured = [point.validation for point in job.points if point.validation is not None]
    if measured:
        yield f"validation {measured[-1]:.4f}"
        yield f"best {job.best_validation:.4f} at step {job.best_step}"
    if watched := [point.sentinel for point in job.points if point.sentinel is not None]:
        yield f"sentinel {watched[-1]:.4f}"
    if job.resumed_from:
        yield f"resumed from {job.resumed_from}"


def _pace(job: TrainingJob) -> str:
    if job.state is not TrainingState.RUNNING:
        return job.state
    if not job.step:
        return "starting"
    return f"{_span(job.seconds)}, {_span(job.seconds / job.step * (job.steps - job.step))} to go"


def _span(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _last_error(words: str) -> str:
    """The child's own last message, which may run over several lines; its log is JSON and no part of it."""
    plain = "\n".join(line for line in words.splitlines() if not line.startswith("{"))
    return plain.rpartition("error: ")[2].strip()
