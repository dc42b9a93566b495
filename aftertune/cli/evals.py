"""`aftertune evals`"""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from aftertune.cli import show
from aftertune.cli.client import ConsoleClient, client_from_environment
from aftertune.errors import Unavailable
from aftertune.settings import load
from aftertune.values.evaluation import RunState

POLL_S = 0.5
"""Seconds between two looks at a run that is waited for."""

EXIT = {RunState.SUCCESSFUL: 0, RunState.FAILED: 1, RunState.ERROR: 2}

app = typer.Typer(no_args_is_help=True, help="Run suites on releases and look at what they measured.")


@app.command()
def suites() -> None:
    """The suites that can be run, with their gates."""
    rows = client_from_environment(load().console_url).get("/v1/suites")
    show.table(
        ("suite", "version", "samples", "gates"),
        ((row["name"], row["version"], row["samples"], "; ".join(row["gates"])) for row in rows),
    )


@app.command("list")
def list_runs(
    release: Annotated[str | None, typer.Option(help="only of this release")] = None,
    suite: Annotated[str | None, typer.Option(help="only of this suite")] = None,
) -> None:
    """Runs, newest first."""
    query = {name: value for name, value in (("release", release), ("suite", suite)) if value}
    rows = client_from_environment(load().console_url).get("/v1/evaluations", **query)
    show.table(
        ("run", "suite", "release", "trigger", "state", "samples", "requested at"),
        (
            (
                row["id"],
                row["suite"],
                row["release"],
                row["trigger"],
                row["state"],
                f"{row['done']}/{row['samples']}",
                row["requested_at"],
            )
            for row in rows
        ),
    )


@app.command()
def run(
    release: str,
    suite: str,
    wait: Annotated[bool, typer.Option("--wait", help="until it ends; exit code 1 failed, 2 error")] = False,
    timeout: Annotated[float, typer.Option(help="seconds to wait")] = 1800.0,
) -> None:
    """Measure a release now."""
    client = client_from_environment(load().console_url)
    opened = client.post("/v1/evaluations", {"release": release, "suite": suite})
    if not wait:
        typer.echo(opened["id"])
        return
    ended = _await_end(client, opened["id"], timeout)
    _print(ended)
    raise typer.Exit(EXIT[RunState(ended["state"])])


@app.command("show")
def show_run(run: str) -> None:
    """One run with its signature, as JSON."""
    show.document(client_from_environment(load().console_url).get(f"/v1/evaluations/{run}"))


def _await_end(client: ConsoleClient, run: str, timeout: float) -> Mapping[str, Any]:
    """Says what changes. Raises Unavailable when time is up."""
    deadline, seen = time.monotonic() + timeout, ""
    while True:
        view: Mapping[str, Any] = client.get(f"/v1/evaluations/{run}")
        state = view["state"] if not view["samples"] else f"{view['state']}, {view['done']}/{view['samples']}"
        if state != seen:
            typer.echo(f"{run}: {state}")
            seen = state
        if RunState(view["state"]).final:
            return view
        if time.monotonic() >= deadline:
            raise Unavailable(
                f"Run {run} has not ended after {timeout:g} s: {state}.",
                f"It goes on: look with 'aftertune evals show {run}'.",
            )
        time.sleep(POLL_S)


def _print(run: Mapping[str, Any]) -> None:
    show.table(
        ("metric", "n", "unmeasured", "estimate", "low", "high"),
        (_figures(row["metric"], row) for row in run["scores"]),
    )
    if run["differences"]:
        show.table(
            ("difference from", "n", "unmeasured", "estimate", "low", "high", "smallest detectable"),
            (
                (*_figures(f"{row['baseline']}: {row['metric']}", row), _number(row["smallest_detectable"]))
                for row in run["differences"]
            ),
        )
    typer.echo(f"{run['state']}: {run['reason']}")


def _figures(name: str, row: Mapping[str, Any]) -> tuple[object, ...]:
    return (name, row["n"], row["unmeasured"], *(_number(row[part]) for part in ("estimate", "low", "high")))


def _number(value: float | None) -> str:
    return "unmeasured" if value is None else f"{value:.3f}"
