"""Engine processes: each leads a session of its own, survives a killed supervisor and is found again by its file."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from aftertune.errors import Unavailable
from serving.engines.pid_file import PidFile, read

_SAME_S = 5.0
"""Creation times of one process may differ by this much when the wall clock is set."""
_LAUNCH_S = 30.0
"""An engine's pid file must be there by then: an interpreter's start, on a machine that is very busy."""


class EngineProcesses:
    """Starts, finds and stops engines; `folder` holds a pid file for each release, `logs` its output."""

    def __init__(self, folder: Path, logs: Path, models: Path) -> None:
        self._folder, self._logs, self._models = folder.absolute(), logs.absolute(), models.absolute()
        for path in (self._folder, self._logs, self._models):
            path.mkdir(parents=True, exist_ok=True)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, release: str, url: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the engine of `release`, whose last one must have been stopped. Raises Unavailable."""
        self._file(release).unlink(missing_ok=True)
        launch = [sys.executable, "-m", "serving.engines.launch", str(os.getpid())]
        launch += [str(self._file(release)), url, str(self._models)]
        with self.log_file(release).open("ab") as output:
            child = subprocess.Popen(
                [*launch, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                start_new_session=True,
            )
        self._children[release] = child
        deadline = time.monotonic() + _LAUNCH_S
        while read(self._file(release)) is None:
            if child.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"The engine of {release} did not start: {self.last_words(release)}.")
            time.sleep(0.02)

    def find(self, release: str) -> PidFile | None:
        """The living engine of `release`, whoever started it."""
        child = self._children.get(release)
        if child is not None and child.poll() is not None:
            del self._children[release]
        found = read(self._file(release))
        return found if found is not None and _lives(found) else None

    def started(self) -> list[str]:
        """Releases that have a pid file, whether or not their engine lives."""
        return sorted(file.name.removesuffix(".json") for file in self._folder.glob("*.json"))

    def stop(self, releases: Collection[str], grace_s: float) -> None:
        """SIGTERM to each engine's group, SIGKILL after `grace_s` to all that is left of its session."""
        sessions = {release: found.pid for release in releases if (found := read(self._file(release)))}
        for release, pid in sessions.items():
            if self.find(release) is not None:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while (
            any(self._left(release, pid) for release, pid in sessions.items()) and time.monotonic() < deadline
        ):
            time.sleep(0.05)
        for release, pid in sessions.items():
            for process in self._left(release, pid):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            child = self._children.pop(release, None)
            if child is not None:
                child.wait()
            self._file(release).unlink(missing_ok=True)

    def log_file(self, release: str) -> Path:
        return self._logs / f"engine-{release}.log"

    def last_words(self, release: str) -> str:
        """The last line of the engine's log: mostly the reason of its end."""
        with suppress(FileNotFoundError):
            tail = self.log_file(release).read_bytes()[-4000:].decode(errors="replace").strip().splitlines()
            if tail:
                return tail[-1].strip().rstrip(".")
        return "it said nothing"

    def _left(self, release: str, session: int) -> list[psutil.Process]:
        """Living processes of the engine's session. An engine's workers outlive it when it is killed."""
        self.find(release)  # reaps our own child
        engine = read(self._file(release))
        with suppress(psutil.NoSuchProcess):
            if (
                engine is not None
                and abs(psutil.Process(session).create_time() - engine.create_time) > _SAME_S
            ):
                return []  # the pid went to somebody else, which the kernel allows only once the session is empty
        return [process for process in psutil.process_iter() if _in_session(process, session)]

    def _file(self, release: str) -> Path:
        return self._folder / f"{release}.json"


def free_port(wanted: int | None, taken: Collection[int]) -> int:
    """`wanted` if nobody listens there, else any free port on 127.0.0.1 that is not in `taken`."""
    for port in (wanted, *([0] * 100)):
        if port is None or port in taken:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            found = int(probe.getsockname()[1])
            if found not in taken:
                return found
    raise Unavailable("There is no free port on 127.0.0.1.", "Stop something that listens.")


def _lives(engine: PidFile) -> bool:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(engine.pid)
        return (
            abs(process.create_time() - engine.create_time) < _SAME_S
            and process.status() != psutil.STATUS_ZOMBIE
        )
    return False


def _in_session(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
        return False
