"""`aftertune dashboards …`"""

import os
from typing import Annotated

import typer

from aftertune.errors import Unauthenticated

app = typer.Typer(no_args_is_help=True, help="The Grafana board and its alert rules.")


@app.callback()
def dashboards() -> None:
    """The Grafana board and its alert rules."""


@app.command()
def push(
    url: Annotated[str, typer.Option(help="Grafana's address, e.g. https://grafana.example:3000")],
    token_env: Annotated[
        str, typer.Option(help="the environment variable that holds a service account's token")
    ] = "GRAFANA_TOKEN",  # noqa: S107  (a variable's name)
    data_source: Annotated[
        str, typer.Option(help="uid of Grafana's Prometheus data source")
    ] = "aftertune-prometheus",
) -> None:
    """Send board, folder and alert rules to a Grafana; sending again changes nothing."""
    from dashboards import push as pushing  # noqa: PLC0415  (a room: loaded when asked for)

    token = os.environ.get(token_env, "").strip()
    if not token:
        raise Unauthenticated(
            f"{token_env} holds no token.", "Put a Grafana service account's token into it."
        )
    pushing.push(url, token, data_source, typer.echo)
