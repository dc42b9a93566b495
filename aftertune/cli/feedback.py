"""`aftertune feedback`"""

from typing import Annotated, Any

import typer

from aftertune.cli import show
from aftertune.cli.client import client_from_environment
from aftertune.errors import BadInput
from aftertune.settings import load
from aftertune.values.feedback import FeedbackKind
from aftertune.visible import visible

app = typer.Typer(no_args_is_help=True, help="Say what was good or bad of an answer, and read what was said.")


@app.command()
def send(
    request: Annotated[str, typer.Argument(help="the answer's x-request-id")],
    up: Annotated[bool | None, typer.Option("--up/--down", help="a thumb")] = None,
    correction: Annotated[str | None, typer.Option(help="the answer as it should have been")] = None,
    label: Annotated[str | None, typer.Option(help="a name for what it is")] = None,
    comment: Annotated[str, typer.Option(help="in free words")] = "",
    end_user: Annotated[str, typer.Option(help="who says it, as the application knows them")] = "",
    deployment: Annotated[str | None, typer.Option(help="where the exchange is not stored yet")] = None,
    feedback_id: Annotated[str | None, typer.Option("--id", help="the same id is stored once")] = None,
) -> None:
    """One of a thumb, a correction or a label."""
    said = {FeedbackKind.THUMB: up, FeedbackKind.CORRECTION: correction, FeedbackKind.LABEL: label}
    kinds = [kind for kind, value in said.items() if value is not None]
    if len(kinds) != 1:
        raise BadInput("Feedback is one thing.", "Give one of --up, --down, --correction and --label.")
    body = {
        "request_id": request,
        "kind": kinds[0],
        "up": up,
        "text": correction,
        "label": label,
        "comment": comment,
        "end_user": end_user,
        "deployment": deployment,
        "id": feedback_id,
    }
    stored = client_from_environment(load().console_url).post("/v1/feedback", body)
    joined = stored["deployment"] or "waits for its exchange"
    typer.echo(f"{stored['id']}: {joined}" + ("" if stored["new"] else " (stored before)"))


@app.command("list")
def list_feedback(
    deployment: str, limit: Annotated[int, typer.Option(min=1, max=1000, help="newest entries")] = 50
) -> None:
    """Thumbs by release over the last 30 days, then the newest entries."""
    view = client_from_environment(load().console_url).get(
        f"/v1/deployments/{deployment}/feedback", limit=limit
    )
    show.table(
        ("release", "thumbs up", "of", "share", "low", "high", "corrections", "labels"),
        (
            (
                row["release"],
                row["up"],
                row["thumbs"],
                *("—" if row[part] is None else f"{row[part]:.3f}" for part in ("share", "low", "high")),
                row["corrections"],
                row["labels"],
            )
            for row in view["releases"]
        ),
    )
    show.table(
        ("at", "request", "kind", "says", "comment", "by"),
        (
            (
                row["at"],
                visible(row["request_id"]),
                row["kind"],
                visible(_says(row)),
                visible(row["comment"]),
                row["given_by"],
            )
            for row in view["latest"]
        ),
    )


def _says(row: dict[str, Any]) -> str:
    if row["up"] is not None:
        return "up" if row["up"] else "down"
    return str(row["text"] or row["label"] or "(hidden)")
