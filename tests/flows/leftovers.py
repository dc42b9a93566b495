"""Which processes of a home folder are still there: rooms by their environment, engines by where they run."""

from pathlib import Path

import psutil

from tests.flows.waiting import wait_for


def processes_of(home: Path) -> list[str]:
    """Command lines of living processes, rooms and engines, that were started for this home folder."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("AFTERTUNE_HOME") == str(home) or _below(home, process.cwd())
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def expect_none_left(home: Path) -> None:
    """What the kernel ends with its parent is gone a moment after it."""
    wait_for(lambda: processes_of(home) == [], f"no process of {home} to be left")


def _below(home: Path, folder: str) -> bool:
    return Path(folder).is_relative_to(home)
