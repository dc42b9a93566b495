"""`aftertune up`"""

import typer

from aftertune.clock import SystemClock
from aftertune.settings import load
from aftertune.up import Supervisor, child_environment, prepare


def up() -> None:
    """Start every room on this machine and keep them running until Ctrl-C."""
    settings = load()
    token = prepare(settings, SystemClock())
    if token is not None:
        typer.echo(f"admin token (shown once): {token}")
    Supervisor(settings, typer.echo, child_environment(settings)).run()
