"""`aftertune evals`"""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from aftertune.cli import evals_files, show
from aftertune.cli.client import ConsoleClient, client_from_environment
from aftertune.cli.evals_progress import Watched
from aftertune.errors import Unavailable, UnknownName
from aftertune.settings import load
from aftertune.values.evaluation import RunState

POLL_S = 0.5
"""Seconds between two looks at a run that is waited for."""

EXIT = {RunState.SUCCESSFUL: 0, RunState.FAILED: 1, RunState.ERROR: 2}

app = typer.Typer(no_args_is_help=True, help="Run suites on releases and look at what they measured.")
app.command()(evals_files.compare)
app.command()(evals_files.rescore)
app.command()(evals_files.export)
app.command()(evals_files.flaky)
app.command("import")(evals_files.import_samples)


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what it would cost")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="ask anew what an earlier run asked")] = False,
) -> None:
    """Measure a release now."""
    client = client_from_environment(load().console_url)
    if dry_run:
        _print_cost(client, suite)
        return
    body = {"release": release, "suite": suite, **({"fresh": True} if no_cache else {})}
    opened = client.post("/v1/evaluations", body)
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


def _print_cost(client: ConsoleClient, suite: str) -> None:
    """At most: baselines that are missing are not asked, and what an earlier run answered may not be asked again."""
    cards = {card["name"]: card for card in client.get("/v1/suites")}
    if suite not in cards:
        raise UnknownName("suite", suite, cards)
    card = cards[suite]
    cost, releases = card["forecast"], 1 + len(card["baselines"])
    if cost is None:
        raise Unavailable("The evaluation room has not said what the suite costs.", "Start it once.")
    against = f" and {', '.join(card['baselines'])}" if card["baselines"] else ""
    show.table(
        (f"{suite} on the release{against}", "at most"),
        (
            ("answers", cost["requests"] * releases),
            ("prompt tokens, estimated", cost["prompt_tokens"] * releases),
            ("answer tokens", cost["answer_tokens"] * releases),
            ("questions to each judge", cost["judge_questions"] * releases),
        ),
    )


def _await_end(client: ConsoleClient, run: str, timeout: float) -> Mapping[str, Any]:
    """Says what changes. Raises Unavailable when time is up."""
    deadline = time.monotonic() + timeout
    with Watched(run) as watched:
        while True:
            view: Mapping[str, Any] = client.get(f"/v1/evaluations/{run}")
            watched.look(view)
            if RunState(view["state"]).final:
                return view
            if time.monotonic() >= deadline:
                raise Unavailable(
                    f"Run {run} has not ended after {timeout:g} s: {watched.seen}.",
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
    progress = run["progress"]
    if progress["from_cache"]:
        typer.echo(
            f"{progress['from_cache']} samples were answered from the cache; --no-cache asks them anew."
        )
    if progress["truncated"]:
        typer.echo(f"{progress['truncated']} answers were cut off at the most tokens.")
    typer.echo(f"{run['state']}: {run['reason']}")


def _figures(name: str, row: Mapping[str, Any]) -> tuple[object, ...]:
    return (name, row["n"], row["unmeasured"], *(_number(row[part]) for part in ("estimate", "low", "high")))


def _number(value: float | None) -> str:
    return "unmeasured" if value is None else f"{value:.3f}"
