"""`aftertune training`"""

from contextlib import closing
from typing import Any

import typer

from aftertune.cli import show
from aftertune.cli.client import client_from_environment
from aftertune.settings import load

app = typer.Typer(no_args_is_help=True, help="Look at training jobs; 'aftertune train' runs them.")


@app.command("list")
def list_jobs() -> None:
    """Jobs, newest first. One that runs and was not heard of for a while was killed."""
    rows = _asked("/v1/training")
    show.table(
        ("job", "state", "step", "best validation", "by", "last heard", "reason"),
        (
            (
                row["id"],
                row["state"],
                f"{row['step']}/{row['steps']}",
                _best(row["best_validation"], row["best_step"]),
                row["by"],
                row["heartbeat_at"],
                row["reason"],
            )
            for row in rows
        ),
    )


@app.command("show")
def show_job(job: str) -> None:
    """One job with its losses, as JSON."""
    show.document(_asked(f"/v1/training/{job}"))


def _asked(path: str) -> Any:
    with closing(client_from_environment(load().console_url)) as client:
        return client.get(path)


def _best(loss: float | None, step: int | None) -> str:
    return "" if loss is None else f"{loss:.4f} at {step}"
