"""`aftertune release`"""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from aftertune.cli import show
from aftertune.cli.client import ConsoleClient, client_from_environment
from aftertune.errors import BadInput, Unavailable
from aftertune.settings import load
from aftertune.values.release import EngineKind, EngineState, ReleaseState

POLL_S = 0.5
"""Seconds between two looks at a release that is waited for."""

app = typer.Typer(no_args_is_help=True, help="Register and look at releases.")


@app.command()
def register(
    release: Annotated[str, typer.Argument(help="a new id, such as v4")],
    base: Annotated[Path | None, typer.Option(help="folder of the base model")] = None,
    adapter: Annotated[
        Path | None, typer.Option(help="folder of the LoRA adapter; left out: the base as it is")
    ] = None,
    engine: Annotated[EngineKind | None, typer.Option(help="default: the setting engines__kind")] = None,
    url: Annotated[str | None, typer.Option(help="an external engine's address, without /v1")] = None,
    replica: Annotated[
        list[str] | None, typer.Option(help="a further address of the same engine; give several times")
    ] = None,
    served_name: Annotated[str | None, typer.Option(help="what the external engine calls the model")] = None,
    suite: Annotated[
        list[str] | None, typer.Option(help="it must pass this before it meets users; give several times")
    ] = None,
    wait: Annotated[bool, typer.Option(help="until the engine answers, or the release is rejected")] = True,
    timeout: Annotated[float, typer.Option(help="seconds to wait")] = 600.0,
) -> None:
    """Merge base and adapter, prove the result, write its passport, start its engine."""
    client = client_from_environment(load().console_url)
    body: dict[str, Any] = {"id": release, "suites": suite or [], "replicas": replica or []}
    for name, value in (("engine", engine), ("url", url), ("served_name", served_name)):
        if value:
            body[name] = str(value)
    for name, folder in (("base", base), ("adapter", adapter)):
        if folder:
            body[name] = str(folder.absolute())
    client.post("/v1/releases", body)
    if wait:
        _await_engine(client, release, timeout)


def _await_engine(client: ConsoleClient, release: str, timeout: float) -> None:
    """Says what changes. Raises BadInput when it is rejected, Unavailable when its engine fails or time is up."""
    deadline = time.monotonic() + timeout
    seen = seen_reason = ""
    while True:
        view = client.get(f"/v1/releases/{release}")
        status, running = view["release"], view["engine"] or {}
        state = f"{status['state']}, engine {running.get('state', 'not started')}"
        if state != seen:
            typer.echo(f"{release}: {state}")
            seen = state
        # A merge that failed is tried again and again; only its reason tells.
        reason = status["reason"] if status["state"] == ReleaseState.MERGING else ""
        if reason and reason != seen_reason:
            typer.echo(f"{release}: {reason}")
            seen_reason = reason
        if status["state"] == ReleaseState.REJECTED:
            raise BadInput(f"{release} was rejected: {status['reason']}")
        if running.get("state") == EngineState.FAILED:
            raise Unavailable(f"The engine of {release} failed: {running.get('reason')}")
        if running.get("state") == EngineState.READY:
            return
        if time.monotonic() >= deadline:
            raise Unavailable(
                f"{release} is not ready after {timeout:g} s: {f'{state}; {reason}' if reason else state}.",
                f"It goes on: look with 'aftertune release show {release}'.",
            )
        time.sleep(POLL_S)


@app.command()
def waive(
    release: str,
    suite: Annotated[str, typer.Option(help="a suite that the release must pass")],
    reason: Annotated[
        str, typer.Option(help="why it may meet users without it; it is recorded with your name")
    ],
) -> None:
    """Let a release meet users though it has not passed this suite."""
    client_from_environment(load().console_url).post(
        f"/v1/releases/{release}/waivers", {"suite": suite, "reason": reason}
    )


@app.command("list")
def list_releases() -> None:
    """All releases, oldest first."""
    rows = client_from_environment(load().console_url).get("/v1/releases")
    show.table(
        ("release", "state", "engine", "engine state", "suites", "quarantine"),
        (
            (
                row["release"]["id"],
                row["release"]["state"],
                row["release"]["engine"],
                (row["engine"] or {}).get("state"),
                ", ".join(f"{each['suite']}: {each['standing']}" for each in row["standings"]),
                row["quarantine"],
            )
            for row in rows
        ),
    )


@app.command("show")
def show_release(release: str) -> None:
    """One release with its passport and evaluations, as JSON."""
    show.document(client_from_environment(load().console_url).get(f"/v1/releases/{release}"))
