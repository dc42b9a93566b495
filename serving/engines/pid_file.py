"""Which process is the engine of a release: a small file that outlives the supervisor."""

import json
import os
from pathlib import Path
from typing import NamedTuple


class PidFile(NamedTuple):
    """`create_time` (seconds since the epoch, as psutil tells it) tells the process from a later one of that pid."""

    pid: int
    create_time: float
    url: str


def write(file: Path, content: PidFile) -> None:
    """Atomically."""
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(content._asdict()), encoding="utf-8")
    os.replace(draft, file)  # noqa: PTH105


def read(file: Path) -> PidFile | None:
    """None when there is none, or it is none of ours."""
    try:
        return PidFile(**json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
