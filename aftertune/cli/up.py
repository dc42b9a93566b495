"""`aftertune up` and `aftertune prepare`. Migrations are imported where they run: no other command waits for them."""

import typer

from aftertune.clock import SystemClock
from aftertune.settings import load


def up() -> None:
    """Start every room on this machine and keep them running until Ctrl-C."""
    from aftertune.up import (  # noqa: PLC0415
        STOP_GRACE_S,
        Supervisor,
        child_environment,
        only_one,
        prepare,
        refuse_taken_ports,
    )

    settings = load()
    with only_one(settings.home) as was_killed:
        # The rooms of an `up` that was killed drain before they let go of their ports.
        refuse_taken_ports(settings, patience_s=STOP_GRACE_S if was_killed else 0.0)
        prepare(settings, SystemClock(), typer.echo)
        Supervisor(settings, typer.echo, child_environment(settings)).run()


def prepare_home() -> None:
    """What 'up' does before it starts the rooms: schema, control token, first admin. For rooms started by others."""
    from aftertune.up import only_one, prepare  # noqa: PLC0415

    settings = load()
    with only_one(settings.home):
        prepare(settings, SystemClock(), typer.echo)
