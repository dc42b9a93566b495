"""`aftertune rollback`"""

import time
from typing import Annotated

import typer

from aftertune.cli.client import client_from_environment
from aftertune.errors import Unavailable
from aftertune.settings import load
from aftertune.values.rollback import RollbackState


def rollback(
    deployment: str,
    reason: Annotated[str, typer.Option(help="recorded with your name")],
    to: Annotated[str | None, typer.Option(help="a release; default: the last good one")] = None,
    key: Annotated[str | None, typer.Option(help="idempotency key: the same key acts once")] = None,
    timeout: Annotated[float, typer.Option(help="seconds to wait for the proof")] = 30.0,
) -> None:
    """Send all traffic back to the last good release, and prove it. Exit code 0 only when it is proven."""
    client = client_from_environment(load().console_url)
    now = client.get(f"/v1/deployments/{deployment}")["deployment"]
    body = {"reason": reason, "leaving": now["candidate"] or now["stable"]} | ({"to": to} if to else {})
    requested = client.post(f"/v1/deployments/{deployment}/rollback", body, key)
    deadline, seen = time.monotonic() + timeout, ""
    while time.monotonic() < deadline:
        status = client.get(f"/v1/rollbacks/{requested['id']}")
        if status["state"] != seen:
            seen = status["state"]
            typer.echo(
                f"{deployment}: {seen} {status['from_release']} → {status['to_release']} {status['outcome']}"
            )
        if RollbackState(seen).final:
            raise typer.Exit(0 if seen == RollbackState.COMPLETED else 1)
        time.sleep(0.1)
    raise Unavailable(
        f"The rollback {requested['id']} is not proven after {timeout:.0f} s.", "It goes on: look again."
    )
