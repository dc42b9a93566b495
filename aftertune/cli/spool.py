"""`aftertune spool`: look into what routers left for ingest, check it, and store it again."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from aftertune.cli import show
from aftertune.errors import BadInput, Corrupt, Forbidden
from aftertune.settings import load
from aftertune.spool import HEADER_BYTES, Kind, SpoolRecord, read_header, resume, scan
from aftertune.values.exchange import ExchangeHeader
from aftertune.values.gap import Gap

SUFFIXES = frozenset({".open", ".seg", ".torn", ".damaged", ".refused", ".corrupt"})
"""The files of a spool folder; see `aftertune.spool`."""

app = typer.Typer(no_args_is_help=True, help="Look into the spool, check it, store it again.")

Paths = Annotated[
    list[Path], typer.Argument(help="segments, or folders of them: HOME/spool, HOME/spool/ROUTER")
]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


@dataclass
class Summary:
    """What one file holds; times are those at which exchanges ended."""

    file: str
    bytes: int
    records: int = 0
    exchanges: int = 0
    gaps: int = 0
    lost: int = 0
    unreadable: int = 0
    first: datetime | None = None
    last: datetime | None = None
    deployments: Counter[str] = field(default_factory=Counter)
    releases: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    captures: Counter[str] = field(default_factory=Counter)
    fault: str = ""

    def add(self, record: SpoolRecord) -> None:
        self.records += 1
        try:
            if record.kind == Kind.GAP:
                self.lost += Gap.model_validate_json(record.header).records
                self.gaps += 1
            elif record.kind == Kind.EXCHANGE:
                self._add_exchange(ExchangeHeader.model_validate_json(record.header))
            else:
                self.unreadable += 1
        except ValidationError:
            self.unreadable += 1

    def _add_exchange(self, header: ExchangeHeader) -> None:
        self.exchanges += 1
        self.deployments[header.deployment] += 1
        self.releases[header.release] += 1
        self.roles[header.role] += 1
        self.captures[header.capture] += 1
        self.first = min(self.first or header.ended, header.ended)
        self.last = max(self.last or header.ended, header.ended)

    def document(self) -> dict[str, Any]:
        return {
            **vars(self),
            "first": None if self.first is None else self.first.isoformat(),
            "last": None if self.last is None else self.last.isoformat(),
        }


@app.command()
def inspect(
    paths: Paths,
    payload: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="also print the request and answer of the record with this number, counted from 0; for one "
            "file, by its owner",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What lies in segments: records, kinds, deployments, releases, roles, times. Payloads only with --payload."""
    files = _files(paths)
    if payload is not None:
        _print_payload(files, payload)
        return
    summaries = [_summary(file) for file in files]
    if as_json:
        show.document([summary.document() for summary in summaries])
        return
    columns = ("file", "bytes", "exchanges", "gaps", "lost", "from", "to", "deployments", "releases", "roles")
    show.table(
        (*columns, "capture", "fault"),
        (
            (
                *(each.file, each.bytes, each.exchanges, each.gaps, each.lost),
                *(each.first and each.first.isoformat(timespec="seconds"),),
                *(each.last and each.last.isoformat(timespec="seconds"),),
                *(
                    _counted(counts)
                    for counts in (each.deployments, each.releases, each.roles, each.captures)
                ),
                each.fault,
            )
            for each in summaries
        ),
    )


@app.command()
def verify(paths: Paths, as_json: AsJson = False) -> None:
    """Check every checksum. Exit code 1 when something does not verify; says what and where."""
    findings = [(file, list(_faults(file))) for file in _files(paths)]
    if as_json:
        show.document([{"file": str(file), "faults": faults} for file, faults in findings])
    else:
        show.table(
            ("", "file", "finding"),
            (
                ("WRONG" if faults else "ok", file, " ".join(faults) or "every record verifies")
                for file, faults in findings
            ),
        )
    raise typer.Exit(1 if any(faults for _, faults in findings) else 0)


@app.command()
def replay(paths: Paths, as_json: AsJson = False) -> None:
    """Store what segments hold, each exchange once, however often it is read.

    Reads any file of the spool format, whatever ingest called it: a segment brought back from a backup, *.refused after
    an upgrade, *.damaged or *.torn after a repair. The files stay; delete them when all is stored. Needs the database.
    Exit code 1 when something could not be read.
    """
    # Imported here: no other command reads what the monitor reads.
    from aftertune.clock import SystemClock  # noqa: PLC0415
    from aftertune.redaction import redactor  # noqa: PLC0415
    from aftertune.store import Store  # noqa: PLC0415
    from monitor.ingest import Ingest  # noqa: PLC0415
    from monitor.metrics import Metrics  # noqa: PLC0415

    files, settings = _files(paths), load()
    store = Store(settings.database_url)
    ingest = Ingest(store, settings.spool_folder, SystemClock(), Metrics(), redactor(settings))
    results = []
    try:
        for file in files:
            try:
                done = ingest.replay(file)._asdict()
            except Corrupt as error:
                done = {"new": 0, "known": 0, "gaps": 0, "pairs": 0, "faults": (error.what,)}
            results.append({"file": str(file), **done})
    finally:
        store.close()
    if as_json:
        show.document(results)
    else:
        columns = ("file", "new", "known", "gaps", "pairs", "faults")
        show.table(
            columns, ((*(each[name] for name in columns[:-1]), " ".join(each["faults"])) for each in results)
        )
    raise typer.Exit(1 if any(each["faults"] for each in results) else 0)


def _files(paths: list[Path]) -> list[Path]:
    """The files named, and those of the spool in the folders named. Raises BadInput where one is missing."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise BadInput(f"There is no file or folder {path}.", "Name a segment, or a folder of them.")
    return found


def _summary(file: Path) -> Summary:
    summary = Summary(str(file), file.stat().st_size)
    try:
        for record in scan(file):
            summary.add(record)
    except Corrupt as error:
        summary.fault = error.what
    return summary


def _faults(file: Path) -> Iterator[str]:
    """All that does not verify, in order; an open segment may end in a record that is still being written."""
    start: int | None = 0
    while start is not None:
        end = max(start, HEADER_BYTES)
        try:
            for record in scan(file, start):
                end = record.next_offset
        except Corrupt as error:
            yield error.what
            try:
                start = resume(file, end)
            except Corrupt:
                return
            if start is None:
                yield f"Nothing whole follows byte {end}."
            continue
        left = file.stat().st_size - end
        if left > 0 and file.suffix != ".open":
            yield f"{file.name} ends in {left} bytes of a record that was never finished."
        if read_header(file) is None and file.suffix != ".open":
            yield f"{file.name} ends within the segment's header."
        return


def _print_payload(files: list[Path], number: int) -> None:
    """Raises BadInput, Corrupt; Forbidden where the file is not the caller's own."""
    if len(files) != 1:
        raise BadInput("--payload needs exactly one file.")
    (file,) = files
    status = file.stat()
    if status.st_uid != os.geteuid() or not stat.S_ISREG(status.st_mode):
        raise Forbidden(f"{file} belongs to another user; only its owner may see payloads.")
    for index, record in enumerate(scan(file)):
        if index == number:
            show.document(
                {
                    "header": record.header.decode(errors="backslashreplace"),
                    "request": record.request.decode(errors="backslashreplace"),
                    "answer": record.answer.decode(errors="backslashreplace"),
                }
            )
            return
    raise BadInput(f"{file} has no record {number}.")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
