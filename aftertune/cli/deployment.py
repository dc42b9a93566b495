"""`aftertune deployment`"""

from typing import Annotated

import typer

from aftertune.cli import show
from aftertune.cli.client import client_from_environment
from aftertune.settings import load

app = typer.Typer(no_args_is_help=True, help="Create and look at deployments.")


@app.command()
def create(name: str, stable: Annotated[str, typer.Option(help="the release that users get")]) -> None:
    """A new served name; clients put it into `model`."""
    client = client_from_environment(load().console_url)
    show.document(client.post("/v1/deployments", {"name": name, "stable": stable}))


@app.command("list")
def list_deployments() -> None:
    """All deployments."""
    rows = client_from_environment(load().console_url).get("/v1/deployments")
    columns = ("name", "generation", "stable", "previous_good", "candidate", "mode", "share", "frozen")
    show.table(columns, ([row.get(column) for column in columns] for row in rows))


@app.command("show")
def show_deployment(name: str) -> None:
    """One deployment with its rollout, verdict and routers, as JSON."""
    show.document(client_from_environment(load().console_url).get(f"/v1/deployments/{name}"))


@app.command()
def freeze(name: str, reason: Annotated[str, typer.Option()]) -> None:
    """Block canaries and promotions; rollbacks stay possible."""
    client_from_environment(load().console_url).post(f"/v1/deployments/{name}/freeze", {"reason": reason})


@app.command()
def unfreeze(name: str, reason: Annotated[str, typer.Option()]) -> None:
    """Allow promotions again."""
    client_from_environment(load().console_url).post(f"/v1/deployments/{name}/unfreeze", {"reason": reason})
