"""The upstream and the load, compiled."""

import os
import subprocess
from pathlib import Path

from aftertune.errors import BadInput
from benchmarks.router.places import BUILD, SOURCES

_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")
_SHARED = ("http.c", "edge.c")
_PARTS = {"upstream": ("upstream.c", *_SHARED), "load": ("load.c", "samples.c", *_SHARED)}


def build(folder: Path = BUILD) -> dict[str, Path]:
    """Both programs by name, compiled anew. Raises BadInput when there is no compiler or it complains."""
    folder.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "cc")
    programs: dict[str, Path] = {}
    for name, parts in _PARTS.items():
        programs[name] = folder / name
        command = [compiler, *_FLAGS, "-o", str(programs[name]), *(str(SOURCES / part) for part in parts)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise BadInput(
                f"There is no C compiler {compiler!r}.", "Run scripts/bench-peers, or set CC."
            ) from None
        if done.returncode != 0:
            raise BadInput(f"{name} does not compile: {done.stderr.strip()}")
    return programs
