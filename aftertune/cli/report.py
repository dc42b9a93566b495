"""`aftertune report`"""

import hashlib
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from aftertune.cli import show
from aftertune.cli.client import ConsoleClient, client_from_environment
from aftertune.errors import BadInput, Corrupt, Unavailable
from aftertune.settings import load
from aftertune.values.report import ReportFile, ReportState

app = typer.Typer(no_args_is_help=True, help="Build, download, verify and sign weekly reports.")

POLL_S = 0.5
TAMPERED = 1


@app.command()
def build(
    week: Annotated[str, typer.Argument(help="an ISO week, as 2026-W47")],
    preliminary: Annotated[bool, typer.Option("--preliminary", help="of a week that is not over")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="until it is ready or failed")] = False,
    timeout: Annotated[float, typer.Option(help="seconds to wait")] = 300.0,
) -> None:
    """Ask for a report and print its id."""
    client = client_from_environment(load().console_url)
    asked = client.post("/v1/reports", {"week": week, "preliminary": preliminary})
    typer.echo(asked["id"])
    if wait:
        _wait(client, asked["id"], timeout)


@app.command("list")
def list_reports() -> None:
    """All reports, newest first."""
    rows = client_from_environment(load().console_url).get("/v1/reports")
    columns = ("id", "week", "revision", "preliminary", "state", "requested_by", "manifest_digest", "reason")
    show.table(columns, ([row.get(column) for column in columns] for row in rows))


@app.command("show")
def show_report(report: str) -> None:
    """One report with its files and sign-offs, as JSON."""
    show.document(client_from_environment(load().console_url).get(f"/v1/reports/{report}"))


@app.command()
def download(
    report: str,
    to: Annotated[Path, typer.Option(help="a folder; the bundle gets one of its own in it")] = Path(),
) -> None:
    """Save every file of a report into TO/REPORT; verify it there."""
    client = client_from_environment(load().console_url)
    found = client.get(f"/v1/reports/{report}")["report"]
    if found["state"] != ReportState.READY:
        raise BadInput(f"The report {report} is {found['state']}: it has no files.", found["reason"])
    folder = to / report
    if folder.exists():
        raise BadInput(f"{folder} exists already.", "Remove it, or choose another folder with --to.")
    contents = {file["name"]: _content(client, report, ReportFile(**file)) for file in found["files"]}
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    typer.echo(folder)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="a bundle's folder, or its ZIP archive")],
    key: Annotated[str | None, typer.Option(help="fingerprint of the key that must have signed")] = None,
) -> None:
    """Offline: signature, files, audit chain. Exit code 0: as it was signed; 1: tampered with; 2: cannot be read."""
    from reports.verify import verify as checks_of  # noqa: PLC0415  (no other command needs it)

    checks = checks_of(path, key)
    for check in checks:
        typer.echo(f"{'ok ' if check.ok else 'BAD'}  {check.what}: {check.detail}")
    bad = [check.what for check in checks if not check.ok]
    if bad:
        typer.echo(f"NOT AS SIGNED: {', '.join(bad)}")
        raise typer.Exit(TAMPERED)
    trust = "" if key else " Compare the key's fingerprint with the one you were told, or give it with --key."
    typer.echo(f"Everything is as it was signed.{trust}")


@app.command()
def rebuild(report: str) -> None:
    """Compute report.json again from the stored rows and compare. Exit code 1 when it differs. Needs the database."""
    from aftertune.store import Store  # noqa: PLC0415  (no other command here opens the database)
    from reports.rebuild import rebuild as computed  # noqa: PLC0415  (loads pandas)

    settings = load()
    with closing(Store(settings.database_url)) as store:
        found = computed(store, settings.reports_folder, report)
    typer.echo(f"stored    {found.stored}\ncomputed  {found.computed}")
    if not found.same:
        typer.echo(
            f"DIFFERS in: {', '.join(found.differing) or 'its heading'}. Late or changed rows: build a revision."
        )
        raise typer.Exit(TAMPERED)
    typer.echo("Every number is as the stored rows say.")


@app.command()
def sign(
    report: str,
    manifest: Annotated[str, typer.Option(help="digest of the manifest that you read, as verify prints it")],
    accept: Annotated[bool, typer.Option("--accept/--reject", help="your word on it")],
    comment: Annotated[str, typer.Option(help="recorded with your name; a rejection needs one")] = "",
) -> None:
    """Say that you have read exactly this manifest, and whether you accept it."""
    client_from_environment(load().console_url).post(
        f"/v1/reports/{report}/sign-offs",
        {"manifest_digest": manifest, "accepted": accept, "comment": comment},
    )


def _wait(client: ConsoleClient, report: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(f"/v1/reports/{report}")["report"]
        if found["state"] == ReportState.READY:
            typer.echo(f"ready: manifest {found['manifest_digest']}")
            return
        if found["state"] == ReportState.FAILED:
            raise Unavailable(f"The report {report} failed: {found['reason']}")
        time.sleep(POLL_S)
    raise Unavailable(f"The report {report} is not ready after {timeout:g} s.", "It goes on: look again.")


def _content(client: ConsoleClient, report: str, file: ReportFile) -> bytes:
    """Raises Corrupt when it is not the file that the console lists."""
    content = client.get_bytes(f"/v1/reports/{report}/files/{file.name}")
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise Corrupt(f"{file.name} did not arrive as the console lists it.", "Download it again.")
    return content
