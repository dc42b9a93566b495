"""The pin file: on a router's host it holds deployments on one release, whatever the control plane says.

It is written by hand (`aftertune pin`) when nothing else works, so it needs no other process and no database.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from aftertune.errors import Corrupt, Unavailable
from aftertune.routing_files import PIN, write_private
from aftertune.values.route import Target
from aftertune.values.value import Value


class Pin(Value):
    """Where all of one deployment's requests go; who said so, why and when."""

    target: Target
    by: str
    reason: str
    at: datetime


class Pins(Value):
    """What the file holds: deployment → pin."""

    pins: dict[str, Pin] = Field(default_factory=dict)


def pin_file(routing: Path) -> Path:
    """In the folder of the routers' own files."""
    return routing / PIN


def read_pins(file: Path) -> Pins:
    """Without a file there are none. Raises Corrupt when it is not one that its owner alone may write and read."""
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            raw = opened.read()
    except FileNotFoundError:
        return Pins()
    except OSError as error:
        raise Corrupt(f"The pin file {file} cannot be read: {error.strerror}.") from None
    if status.st_mode & 0o077 or status.st_uid not in (os.geteuid(), 0):
        raise Corrupt(
            f"The pin file {file} is open to others than the router's user.",
            f"Run 'chmod 600 {file}' as its owner.",
        )
    try:
        return Pins.model_validate_json(raw)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "its beginning"
        raise Corrupt(
            f"The pin file {file} is wrong at {where}: {fault['msg']}.",
            "Write it with 'aftertune pin', or remove it.",
        ) from None


def write_pins(file: Path, pins: Mapping[str, Pin]) -> None:
    """Replace the file as a whole; without pins there is no file. Raises Unavailable when the disk refuses."""
    try:
        if pins:
            write_private(file, Pins(pins=dict(pins)).model_dump_json(indent=2) + "\n")
        else:
            file.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"The pin file {file} cannot be written: {error.strerror}.") from None


@contextmanager
def only_writer(file: Path) -> Iterator[None]:
    """From reading to writing nobody else writes. Raises Unavailable when the folder cannot be had."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Unavailable(f"The folder {file.parent} cannot be used: {error.strerror}.") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
