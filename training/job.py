"""A job's own folder: the lock that makes it the only one, and the record of how it goes, for all who look on."""

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aftertune.clock import Clock
from aftertune.errors import Conflict, Corrupt
from aftertune.store import Store
from aftertune.values.training import TrainingJob, TrainingState

JOB_FILE = "job.json"
CHECKPOINT_FILE = "checkpoint.safetensors"
LOG_FILE = "job.log"
ADAPTER_FOLDER = "adapter"
LAST_RECORD_S = 10.0
"""How long a job that ends waits for a database that is away; its file has the record in any case."""

log = logging.getLogger(__name__)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the job for this process, kill -9 included. Raises Conflict while another process holds it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "job.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = read_job(folder)
            who = f" (process {held.pid} on {held.host})" if held else ""
            raise Conflict(
                f"The training job {folder.name!r} already runs{who}.", "Wait for it, or stop it."
            ) from None
        yield


def read_job(folder: Path) -> TrainingJob | None:
    """What the job last said of itself. Raises Corrupt."""
    try:
        return TrainingJob.model_validate_json((folder / JOB_FILE).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Corrupt(f"{folder / JOB_FILE} cannot be read: {error}.", "Start over with --fresh.") from None


def write_job(folder: Path, job: TrainingJob) -> None:
    """Replaces the file as a whole, power cuts included. Raises OSError."""
    partial = folder / f"{JOB_FILE}.partial"
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(job.model_dump(mode="json")) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / JOB_FILE)


def drop_checkpoint(folder: Path) -> None:
    """Once the adapter is in place, and the record says so, there is nothing to go on from."""
    (folder / CHECKPOINT_FILE).unlink(missing_ok=True)


def refuse_other_order(before: TrainingJob, digest: str) -> None:
    """Raises Conflict when going on would lose what another order has got to."""
    if before.spec == digest or (before.checkpoint is None and before.state is not TrainingState.SUCCEEDED):
        return
    got_to = (
        "has an adapter" if before.state is TrainingState.SUCCEEDED else f"stands at step {before.checkpoint}"
    )
    raise Conflict(
        f"The training job {before.id!r} {got_to} with other settings, data or base.",
        "Put them back, choose another release, or start over with --fresh.",
    )


def done_already(before: TrainingJob, digest: str, folder: Path) -> bool:
    """Whether this very order has left its adapter."""
    return (
        before.state is TrainingState.SUCCEEDED
        and before.spec == digest
        and (folder / ADAPTER_FOLDER).is_dir()
    )


class Journal:
    """Writes the job's record, to its file and to the database, from a thread: neither can hold training up.

    A database that is away is said once; the record, which holds all points, catches up when it is back.
    """

    def __init__(
        self, folder: Path, store: Store, clock: Clock, heartbeat_s: float, job: TrainingJob
    ) -> None:
        self._folder = folder
        self._store = store
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._job = job
        self._changed = threading.Condition()
        self._news = True
        self._closed = False
        self._stored = True
        self._thread = threading.Thread(target=self._beat, name="journal", daemon=True)

    @property
    def job(self) -> TrainingJob:
        return self._job

    def __enter__(self) -> Self:
        write_job(self._folder, self._job)
        self._thread.start()
        return self

    def update(self, *, at_once: bool = False, **changes: Any) -> None:
        """Fields of the record; `at_once` writes them before the next heartbeat."""
        with self._changed:
            self._job = self._job.model_copy(update=changes)
            self._news = self._news or at_once
            if at_once:
                self._changed.notify()

    def end(self, state: TrainingState, reason: str) -> None:
        """The record's last state; it is written when the block ends."""
        now = self._clock.now()
        self.update(state=state, reason=reason, heartbeat_at=now, ended_at=now)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The last record; the database gets some seconds to take it."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(LAST_RECORD_S)
        self._write()
        deadline = time.monotonic() + LAST_RECORD_S
        while not self._save() and time.monotonic() < deadline:
            time.sleep(0.2)

    def _beat(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._news, self._heartbeat_s)
                if self._closed:
                    return
                self._news = False
                self._job = self._job.model_copy(update={"heartbeat_at": self._clock.now()})
            self._write()
            self._save()

    def _write(self) -> None:
        try:
            write_job(self._folder, self._job)
        except OSError as error:
            log.warning("the job's file cannot be written: %s", error.strerror)

    def _save(self) -> bool:
        try:
            with self._store.write() as tx:
                # Looked at in its turn: a heartbeat that had to wait does not overwrite the end.
                tx.training.save(self._job)
        except Exception as error:  # noqa: BLE001  (whatever ails the database, training goes on)
            if self._stored:
                log.warning("%s Training goes on; the record is in %s.", error, JOB_FILE)
            self._stored = False
        else:
            if not self._stored:
                log.info("the database has the record again")
            self._stored = True
        return self._stored
