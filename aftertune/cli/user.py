"""`aftertune user`"""

from typing import Annotated

import typer

from aftertune.cli import show
from aftertune.cli.client import client_from_environment
from aftertune.identity import Role
from aftertune.settings import load

app = typer.Typer(no_args_is_help=True, help="People and machines that may do things.")


@app.command()
def add(
    name: str, role: Annotated[list[Role], typer.Option(help="give several times for several roles")]
) -> None:
    """Make a user and print the token, once."""
    client = client_from_environment(load().console_url)
    typer.echo(client.post("/v1/users", {"name": name, "roles": [str(r) for r in role]})["token"])


@app.command("list")
def list_users() -> None:
    """All users with their roles."""
    rows = client_from_environment(load().console_url).get("/v1/users")
    show.table(
        ("name", "roles", "disabled"),
        ((r["name"], ", ".join(r["roles"]), r.get("disabled_at")) for r in rows),
    )


@app.command()
def disable(name: str) -> None:
    """End a user's access at once."""
    client_from_environment(load().console_url).post(f"/v1/users/{name}/disable")


@app.command()
def token(name: str) -> None:
    """Replace a user's token and print the new one, once."""
    client = client_from_environment(load().console_url)
    typer.echo(client.post(f"/v1/users/{name}/token")["token"])
