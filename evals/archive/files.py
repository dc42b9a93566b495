"""Files of JSON lines: read line by line with their numbers, written whole or not at all."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aftertune.errors import BadInput


def json_objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line with where it stands. Empty lines are skipped. Raises BadInput that names the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"Line {number} of {path}"
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{where} is no JSON: {error}.") from None
        if not isinstance(found, dict):
            raise BadInput(f"{where} is no JSON object.")
        yield where, found


def write_whole(path: Path, text: str) -> None:
    """Beside it first, then in its place: a reader sees the old file or the new one. Raises BadInput."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error}.") from None
