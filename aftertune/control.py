"""The rooms' own credential: one random token in a file that only its owner can read."""

import os
from pathlib import Path

from aftertune.errors import BadInput
from aftertune.identity import new_token


def create_control_token(file: Path) -> str:
    """The file's token; makes both on the first start, and again when a crash left the file empty."""
    if not file.exists() or file.stat().st_size == 0:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(new_token())
    return read_control_token(file)


def read_control_token(file: Path) -> str:
    """Raises BadInput when the file is missing, empty or readable by others."""
    if not file.is_file():
        raise BadInput(
            f"The control token {file} does not exist.", "'aftertune up' makes it; set AFTERTUNE_HOME."
        )
    if file.stat().st_mode & 0o077:
        raise BadInput(f"The control token {file} is readable by others.", f"Run 'chmod 600 {file}'.")
    token = file.read_text().strip()
    if not token:
        raise BadInput(f"The control token {file} is empty.", "Start 'aftertune up', which makes a new one.")
    return token
