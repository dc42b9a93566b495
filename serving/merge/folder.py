"""A folder that appears whole or not at all."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aftertune.durable import flush


@contextmanager
def unfinished(out: Path) -> Iterator[Path]:
    """An empty, locked folder beside `out` to write into; `publish` turns it into `out`.

    Waits while another process writes for the same `out`. If the block raises, the folder is removed; if the process
    is killed, the next one to come empties it.
    """
    partial = out.with_name(f".{out.name}.partial")
    descriptor = _lock(partial)
    try:
        for left in partial.iterdir():
            _remove(left)
        yield partial
    except BaseException:
        _remove(partial)
        raise
    finally:
        os.close(descriptor)


def publish(partial: Path, out: Path) -> None:
    """Flush every file to disk, then rename the folder to `out`, which must not exist. Raises OSError."""
    for path in partial.rglob("*"):
        flush(path)
    flush(partial)
    partial.rename(out)
    flush(out.parent)


def _lock(folder: Path) -> int:
    """Make and lock the folder. Raises OSError."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever held the lock may have renamed the folder to its final name meanwhile.
            with suppress(FileNotFoundError):
                if folder.stat().st_ino == os.fstat(descriptor).st_ino:
                    return descriptor
            os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
