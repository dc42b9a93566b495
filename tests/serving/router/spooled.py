"""A writer on a folder, and what is in it afterwards."""

from collections.abc import Callable
from pathlib import Path

from aftertune.spool import Kind, scan, segments
from aftertune.values.gap import Gap
from serving.router.spool import SpoolWriter

OpenWriter = Callable[..., SpoolWriter]
RECORD = 32 + len(b"e0" + b"request" + b"answer")


def put(writer: SpoolWriter, *numbers: int) -> None:
    """Append the exchanges `e<number>`, RECORD bytes each."""
    for number in numbers:
        writer.append(f"e{number}".encode(), b"request", (b"ans", b"wer"))


def stored(folder: Path) -> list[str]:
    """The headers of the exchanges, oldest first."""
    return [
        record.header.decode()
        for segment in segments(folder)
        for record in scan(segment)
        if record.kind == Kind.EXCHANGE
    ]


def gaps(folder: Path) -> list[Gap]:
    return [
        Gap.model_validate_json(record.header)
        for segment in segments(folder)
        for record in scan(segment)
        if record.kind == Kind.GAP
    ]
