"""`aftertune deployment`"""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from aftertune.cli import show
from aftertune.cli.client import client_from_environment
from aftertune.errors import BadInput, UnknownName
from aftertune.settings import load
from aftertune.values.exchange import CapturePolicy

app = typer.Typer(no_args_is_help=True, help="Create, look at and configure deployments.")

PerSecond = Annotated[float | None, typer.Option("--per-second", help="copies a second, each router process")]
TokensADay = Annotated[int | None, typer.Option("--tokens-a-day", help="prompt and completion tokens, UTC")]
Concurrency = Annotated[int | None, typer.Option(help="copies under way at once, each router process")]
Windows = Annotated[
    list[str] | None, typer.Option("--window", help="08:00-18:00 in UTC, when copies are sent; repeatable")
]
Why = Annotated[str | None, typer.Option(help="goes into the audit log")]


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


@app.command()
def configure(
    name: str,
    capture: Annotated[
        CapturePolicy | None, typer.Option(help="what is stored of payloads; for approvers")
    ] = None,
    rename: Annotated[
        bool | None, typer.Option(help="answers name the deployment as their model, or keep the engine's")
    ] = None,
    stored_responses: Annotated[
        bool | None,
        typer.Option(help="let keys use responses that the engine remembers: any key, any response"),
    ] = None,
    reason: Why = None,
) -> None:
    """Change what is captured, the model's name in answers, or the use of stored responses, while it serves."""
    settings = {"rename": rename, "stored_responses": stored_responses}
    changes = {name: value for name, value in settings.items() if value is not None}
    if capture is None and not changes:
        raise BadInput("Nothing was asked for.", "Give --capture, --[no-]rename or --[no-]stored-responses.")
    if capture is not None and not reason:
        raise BadInput("A change of what is captured needs a reason.", "Give --reason.")
    client = client_from_environment(load().console_url)
    if capture is not None:
        client.post(f"/v1/deployments/{name}/capture", {"capture": capture, "reason": reason})
    if changes:
        client.patch(f"/v1/deployments/{name}", {**changes, **_because(reason)})


@app.command()
def budget(
    name: str,
    per_second: PerSecond = None,
    tokens_a_day: TokensADay = None,
    concurrency: Concurrency = None,
    window: Windows = None,
    reason: Why = None,
) -> None:
    """Set what a rollout's copies may cost. A limit that is left out is none."""
    limits = _budget(per_second, tokens_a_day, concurrency, window)
    client_from_environment(load().console_url).patch(
        f"/v1/deployments/{name}", {"budget": limits, **_because(reason)}
    )


@app.command()
def shadow(
    name: str,
    release: str,
    share: Annotated[float, typer.Option(help="share of requests that are copied")] = 1.0,
    per_second: PerSecond = None,
    tokens_a_day: TokensADay = None,
    concurrency: Concurrency = None,
    window: Windows = None,
    reason: Why = None,
) -> None:
    """Copy requests to a release whose answers nobody sees, or change such a rule."""
    limits = _budget(per_second, tokens_a_day, concurrency, window)
    rule = {"release": release, "share": share, "budget": limits}

    def with_rule(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*(each for each in rules if each["release"] != release), rule]

    _change_shadows(name, with_rule, reason)


@app.command()
def unshadow(name: str, release: str, reason: Why = None) -> None:
    """Send no more copies to a release."""

    def without_rule(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if release not in (known := [each["release"] for each in rules]):
            raise UnknownName("shadow", release, known)
        return [each for each in rules if each["release"] != release]

    _change_shadows(name, without_rule, reason)


def _change_shadows(
    name: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], reason: str | None
) -> None:
    """Refused when somebody changed the deployment between our look and our act."""
    client = client_from_environment(load().console_url)
    seen = client.get(f"/v1/deployments/{name}")["deployment"]
    body = {"generation": seen["generation"], "shadows": change(seen["shadows"])}
    client.patch(f"/v1/deployments/{name}", {**body, **_because(reason)})


def _budget(
    per_second: float | None, tokens_a_day: int | None, concurrency: int | None, windows: list[str] | None
) -> dict[str, Any]:
    limits = {"per_s": per_second, "tokens_a_day": tokens_a_day, "concurrency": concurrency}
    return {**limits, "windows": [_window(given) for given in windows or ()]}


def _window(given: str) -> dict[str, str]:
    since, dash, until = given.partition("-")
    if not (since and dash and until):
        raise BadInput(f"{given!r} is no window.", "Write it as 08:00-18:00, in UTC.")
    return {"since": since.strip(), "until": until.strip()}


def _because(reason: str | None) -> dict[str, str]:
    return {"reason": reason} if reason else {}
