"""The build as a child process: it cannot outlive the room, and ends when its time is over."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO, Protocol

from aftertune.child import end_with_us


class Child(Protocol):
    def wait(self, timeout_s: float) -> int | None:
        """The exit code (negative: the signal), or None when it still runs."""
        ...

    def kill(self) -> None: ...

    def last_words(self) -> str:
        """What it said last; once, after it has ended by itself."""
        ...


Spawn = Callable[[str], Child]
"""Starts the build of a report, by its id."""


class BuildProcess:
    """`python -m reports.build ID`, or another command in a test."""

    def __init__(self, report: str, command: Sequence[str] = (sys.executable, "-m", "reports.build")) -> None:
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed when it has ended)
        self._process = subprocess.Popen(
            [*command, report],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            # A build whose room was killed is killed too: the next room builds it again.
            preexec_fn=partial(end_with_us, signal.SIGKILL),  # noqa: PLW1509  (started from the only working thread)
        )

    def wait(self, timeout_s: float) -> int | None:
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        return code

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()

    def last_words(self) -> str:
        """Its error if it named one, else its last line."""
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
        self._output.close()
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        return (errors or lines)[-1]
