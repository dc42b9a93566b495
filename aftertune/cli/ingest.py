"""`aftertune ingest`"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import Progress

from aftertune.cli.client import ConsoleClient, client_from_environment
from aftertune.errors import BadInput
from aftertune.outside_log import BadLine, Line, read_log, read_map
from aftertune.settings import load

BATCH_BYTES = 850_000
BATCH_LINES = 500
"""What one request to the console may carry."""

SHOWN = 20
"""Bad lines that are listed one by one."""

Paths = Mapping[str, tuple[str, ...]]


class _Names(NamedTuple):
    """What is registered, and what holds for lines that name nothing."""

    deployments: frozenset[str]
    releases: frozenset[str]
    deployment: str | None
    release: str | None


def ingest(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="one JSON line each")
    ],
    deployment: Annotated[str | None, typer.Option(help="of lines that name none")] = None,
    release: Annotated[str | None, typer.Option(help="of lines that name none")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=PATH: where the file keeps a field; repeatable")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="leave bad lines out")] = False,
) -> None:
    """Take in logged requests and answers that did not pass a router. A second time adds nothing."""
    paths = read_map(map_ or [])
    client = client_from_environment(load().console_url)
    names = _names(client, deployment, release)
    lines, bad = _check(file, paths, names)
    if bad and not skip_bad:
        raise BadInput(
            f"{bad} of {lines} lines of {file.name} are bad; nothing was sent.",
            "Correct them, or leave them out with --skip-bad.",
        )
    accepted = known = 0
    try:
        for batch in _batches(file, paths, names):
            said = [line.exchange.model_dump(mode="json", exclude_none=True) for line in batch]
            body = {"lines": said, "deployment": deployment, "release": release}
            taken = client.post("/v1/exchanges", body)
            accepted, known = accepted + taken["accepted"], known + taken["known"]
    finally:
        typer.echo(f"{file.name}: {_told(accepted, known, bad)}")


def _names(client: ConsoleClient, deployment: str | None, release: str | None) -> _Names:
    deployments = frozenset(each["name"] for each in client.get("/v1/deployments"))
    releases = frozenset(each["release"]["id"] for each in client.get("/v1/releases"))
    names = _Names(deployments, releases, deployment, release)
    for kind, name, known in (("deployment", deployment, deployments), ("release", release, releases)):
        if name is not None and (fault := _unknown(kind, name, known)):
            raise BadInput(f"{fault[:1].upper()}{fault[1:]}.")
    return names


def _check(file: Path, paths: Paths, names: _Names) -> tuple[int, int]:
    """How many lines there are, and how many of them are bad; the first bad ones are told as they are found."""
    lines = bad = 0
    for line in _lines(file, paths, names):
        lines += 1
        if isinstance(line, BadLine):
            bad += 1
            if bad <= SHOWN:
                typer.echo(f"line {line.number}: {line.reason}", err=True)
    if bad > SHOWN:
        typer.echo(f"and {bad - SHOWN} more", err=True)
    return lines, bad


def _lines(file: Path, paths: Paths, names: _Names) -> Iterator[Line | BadLine]:
    with file.open("rb") as log:
        for line in read_log(log, paths):
            fault = "" if isinstance(line, BadLine) else _fault(line, names)
            yield BadLine(line.number, line.end, fault) if fault else line


def _fault(line: Line, names: _Names) -> str:
    for kind, name, known in (
        ("deployment", line.exchange.deployment or names.deployment, names.deployments),
        ("release", line.exchange.release or names.release, names.releases),
    ):
        if name is None:
            return f"it names no {kind}, and --{kind} is not given"
        if fault := _unknown(kind, name, known):
            return fault
    return ""


def _unknown(kind: str, name: str, known: frozenset[str]) -> str:
    return "" if name in known else f"unknown {kind} {name!r}; known: {', '.join(sorted(known)) or 'none'}"


def _batches(file: Path, paths: Paths, names: _Names) -> Iterator[list[Line]]:
    """The good lines in batches that fit into a request; shows how far it is."""
    batch: list[Line] = []
    size = begin = 0
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(file.name, total=file.stat().st_size)
        for line in _lines(file, paths, names):
            length, begin = line.end - begin, line.end
            if isinstance(line, BadLine):
                continue
            if batch and (size + length > BATCH_BYTES or len(batch) == BATCH_LINES):
                yield batch
                progress.update(task, completed=batch[-1].end)
                batch, size = [], 0
            batch.append(line)
            size += length
        if batch:
            yield batch


def _told(accepted: int, known: int, bad: int) -> str:
    taken = f"{accepted} taken in" if accepted or not known else "nothing new"
    return ", ".join((taken, f"{known} stored already", *([f"{bad} bad left out"] if bad else [])))
