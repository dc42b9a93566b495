"""The job's process: one order, its checkpoint, its record; every end has a state and a reason."""

import getpass
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path

from aftertune.clock import SystemClock
from aftertune.errors import AftertuneError, BadInput, Conflict
from aftertune.settings import Settings, load
from aftertune.store import Store
from aftertune.telemetry import configure_logging
from aftertune.values.training import TrainingJob, TrainingState
from training.job import (
    ADAPTER_FOLDER,
    CHECKPOINT_FILE,
    JOB_FILE,
    Journal,
    done_already,
    drop_checkpoint,
    only_one,
    read_job,
    refuse_other_order,
)
from training.order import Order, place_order
from training.spec import read_spec

STOPPED = 130
"""Exit code of a job that somebody stopped."""
_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")

log = logging.getLogger("training")


def run(spec: Path, by: str | None, *, fresh: bool) -> int:
    """Train what the file says, or go on with it. Exit code 0, 1 (failed), 2 (input to change) or 130 (stopped)."""
    # Threads that wait must not spin: on busy cores that makes steps several times slower. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load()
        configure_logging("training", settings.log_level)
        order = place_order(read_spec(spec))
        folder = settings.training_folder / order.spec.release
        with only_one(folder):
            return _attempt(settings, order, folder, by or getpass.getuser(), stop, fresh=fresh)
    except AftertuneError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: {failure_reason(error)}", file=sys.stderr)
        return 1


def _attempt(
    settings: Settings, order: Order, folder: Path, by: str, stop: threading.Event, *, fresh: bool
) -> int:
    clock, store = SystemClock(), Store(settings.database_url)
    try:
        if fresh:
            _empty(folder, store)
        before = read_job(folder)
        if before is not None:
            refuse_other_order(before, order.digest)
        done = before is not None and done_already(before, order.digest, folder)
        job = before if before is not None and done else _started(order, by, clock, before)
        with Journal(folder, store, clock, settings.training.heartbeat_s, job) as journal:
            code = 0 if done else _train(journal, order, folder, settings.training.threads, stop)
        ended = read_job(folder)
        if ended is not None and done_already(ended, order.digest, folder):
            drop_checkpoint(folder)  # not before the record says so: a job killed until then goes on from it
        return code
    finally:
        store.close()


def _empty(folder: Path, store: Store) -> None:
    """All of an earlier order but the lock, which is held, and the log, which is being written.

    Raises Conflict for the adapter of a registered release, Unavailable when nobody can say whether it is one.
    """
    if (folder / ADAPTER_FOLDER).exists():
        with store.read() as tx:
            if folder.name in (release.id for release in tx.releases.all()):
                raise Conflict(
                    f"The release {folder.name!r} is registered already.",
                    "Choose another 'release' in the spec.",
                )
    for file in (*folder.glob(f"{CHECKPOINT_FILE}*"), folder / JOB_FILE):
        file.unlink(missing_ok=True)
    shutil.rmtree(folder / ADAPTER_FOLDER, ignore_errors=True)


def _started(order: Order, by: str, clock: SystemClock, before: TrainingJob | None) -> TrainingJob:
    """A new attempt's record: it says from the start what its checkpoint has kept of the attempts before."""
    now = clock.now()
    job = TrainingJob(
        id=order.spec.release,
        release=order.spec.release,
        spec=order.digest,
        state=TrainingState.RUNNING,
        by=by,
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at=now,
        heartbeat_at=now,
        steps=order.steps,
    )
    if before is None or before.spec != job.spec or before.state is TrainingState.SUCCEEDED:
        return job
    if (kept := before.checkpoint) is None:
        return job
    return job.model_copy(
        update={
            "step": kept,
            "checkpoint": kept,
            "points": tuple(point for point in before.points if point.step <= kept),
            "best_step": before.best_step,
            "best_validation": before.best_validation,
            "seconds": before.seconds,
        }
    )


def _train(journal: Journal, order: Order, folder: Path, threads: int, stop: threading.Event) -> int:
    """Ends the journal's record with a state and a reason, whatever happens."""
    try:
        _tune(journal, order, folder, threads, stop)
    except _Stopped:
        journal.end(TrainingState.STOPPED, f"stopped by a person at step {journal.job.step}")
        return STOPPED
    except BadInput as error:
        journal.end(TrainingState.FAILED, str(error))
        raise
    except Exception as error:
        reason = failure_reason(error)
        log.exception("training failed")
        print(f"error: {reason}", file=sys.stderr)
        journal.end(TrainingState.FAILED, reason)
        return 1
    journal.end(TrainingState.SUCCEEDED, "")
    return 0


class _Stopped(Exception):
    """Somebody asked for it; the checkpoint is written."""


def _tune(journal: Journal, order: Order, folder: Path, threads: int, stop: threading.Event) -> None:
    # Here, since torch takes seconds to load and most refusals do without it.
    from training.checkpoint import Progress  # noqa: PLC0415
    from training.tuning import Tuning, make_reproducible  # noqa: PLC0415

    def report(progress: Progress, saved: int | None) -> None:
        journal.update(
            at_once=len(progress.points) > len(journal.job.points) or saved != journal.job.checkpoint,
            step=progress.step,
            points=progress.points,
            best_step=progress.best_step,
            best_validation=progress.best_validation,
            seconds=progress.seconds,
            checkpoint=saved,
        )

    make_reproducible(threads)
    tuning = Tuning(order, folder, report, stop.is_set)
    journal.update(at_once=True, resumed_from=tuning.saved)
    if tuning.run() is None:
        raise _Stopped


def failure_reason(error: Exception) -> str:
    """What happened and what to do about it."""
    again = "run the same command again: it goes on from the last checkpoint"
    said = str(error)
    if isinstance(error, MemoryError) or any(sign in said.lower() for sign in _NO_MEMORY):
        return f"Out of memory. Free some and {again}; or lower schedule.batch and start over with --fresh."
    match error:
        case FloatingPointError():
            return f"Training came apart: {said}. Lower schedule.peak_rate and start over with --fresh."
        case OSError():
            fault = (error.strerror or said).rstrip(".")
            return f"A file could not be read or written: {fault}. Put that right (make room, if the disk is full) and {again}."
        case AftertuneError():
            return said
    return f"{type(error).__name__}: {said}. The log has the details; when that is put right, {again}."
