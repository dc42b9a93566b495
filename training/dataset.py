"""Reading training files: JSON Lines, one conversation a line; every broken line is found before anything starts."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from aftertune.errors import BadInput
from training.conversation import Conversation, Tools, checked_tools, conversation
from training.spec import DataSpec

NAMED = 5
"""Broken lines that an error names; the rest are counted."""


@dataclass(frozen=True)
class Dataset:
    """The rows of one file in order, the digest of its bytes, and a digest of each row's line."""

    rows: tuple[Conversation, ...]
    sha256: str
    lines: tuple[str, ...]

    def shared_with(self, other: "Dataset") -> int:
        """How many of its rows stand in `other` too."""
        known = set(other.lines)
        return sum(line in known for line in self.lines)


@dataclass(frozen=True)
class Data:
    """All that a job reads besides its base."""

    train: Dataset
    validation: Dataset
    tools_sha256: str


def read_data(spec: DataSpec) -> Data:
    """Raises BadInput that names file, line and fault of the first broken lines, and counts them all."""
    tools = _read_tools(spec.tools) if spec.tools is not None else None
    faults: list[str] = []
    train = _read(spec.train, tools, faults)
    validation = _read(spec.validation, tools, faults)
    if faults:
        more = f"\n  and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
        lines = "\n".join(f"  {fault}" for fault in faults[:NAMED])
        raise BadInput(
            f"{len(faults)} broken {'line' if len(faults) == 1 else 'lines'}, nothing was started:\n{lines}{more}\n",
            "Correct or remove them.",
        )
    digest = hashlib.sha256(_bytes(spec.tools)).hexdigest() if spec.tools is not None else ""
    return Data(train, validation, digest)


def _read(file: Path, tools: Tools | None, faults: list[str]) -> Dataset:
    content = _bytes(file)
    if not content.strip():
        raise BadInput(f"{file} has no rows.", "Write one conversation a line.")
    rows: list[Conversation] = []
    lines: list[str] = []
    for number, line in _lines(content):
        try:
            rows.append(conversation(json.loads(line.decode()), tools))
        except (ValueError, RecursionError) as error:
            faults.append(f"{file}:{number}: {_fault(line, error)}")
        else:
            lines.append(hashlib.sha256(line).hexdigest())
    return Dataset(tuple(rows), hashlib.sha256(content).hexdigest(), tuple(lines))


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    # Not splitlines: only \n ends a JSON line, whatever else Unicode calls a line's end.
    parts = content.split(b"\n")
    if not parts[-1]:
        parts.pop()
    return enumerate(parts, start=1)


def _fault(line: bytes, error: ValueError | RecursionError) -> str:
    match error:
        case ValidationError():
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            message = first["msg"].removeprefix("Value error, ")
            return f"{where}: {message}" if where else message
        case UnicodeDecodeError():
            return "not UTF-8"
        case json.JSONDecodeError():
            return f"not JSON: {error.msg} at column {error.colno}" if line.strip() else "empty line"
        case RecursionError():
            return "nested too deeply"
    return str(error)


def _read_tools(file: Path) -> Tools:
    try:
        return checked_tools(json.loads(_bytes(file)))
    except ValueError as error:
        raise BadInput(f"{file} is no OpenAI tools list: {error}.", "Write a JSON list of tools.") from None


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.", "Correct the path in the spec.") from None
