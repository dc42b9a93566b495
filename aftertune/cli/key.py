"""`aftertune key`"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from aftertune.cli import show
from aftertune.cli.client import client_from_environment
from aftertune.errors import BadInput
from aftertune.settings import load

app = typer.Typer(no_args_is_help=True, help="Credentials of applications, and their limits.")

NEVER = "never"
_DAYS = re.compile(r"([1-9][0-9]{0,4})d")

Deployments = Annotated[
    list[str] | None, typer.Option("--deployment", help="may call this one; give several times for several")
]
Requests = Annotated[int | None, typer.Option(min=0, help="requests a minute; 0: no limit")]
Tokens = Annotated[int | None, typer.Option(min=0, help="prompt and completion tokens a minute; 0: no limit")]
Concurrency = Annotated[int | None, typer.Option(min=0, help="requests under way at once; 0: no limit")]
Expires = Annotated[
    str | None, typer.Option(help="a day (2027-01-31), a moment (2027-01-31T18:00Z), 90d, or never")
]


@app.command()
def create(
    name: str,
    deployment: Deployments = None,
    requests_a_minute: Requests = None,
    tokens_a_minute: Tokens = None,
    concurrency: Concurrency = None,
    expires: Expires = None,
) -> None:
    """Make a key and print the token, once. Without --deployment it may call every one."""
    terms = _terms(deployment, requests_a_minute, tokens_a_minute, concurrency, expires)
    client = client_from_environment(load().console_url)
    typer.echo(client.post("/v1/keys", {"name": name, **terms})["token"])


@app.command("list")
def list_keys() -> None:
    """All keys with their limits."""
    rows = client_from_environment(load().console_url).get("/v1/keys")
    columns = ("requests_a_minute", "tokens_a_minute", "concurrency", "expires_at", "created_by")
    show.table(
        ("name", "state", "deployments", *columns),
        (
            (
                row["name"],
                row["state"],
                "all" if row["deployments"] is None else ", ".join(row["deployments"]),
                *(row[column] for column in columns),
            )
            for row in rows
        ),
    )


@app.command()
def change(
    name: str,
    deployment: Deployments = None,
    every_deployment: Annotated[bool, typer.Option("--every-deployment", help="may call each one")] = False,
    requests_a_minute: Requests = None,
    tokens_a_minute: Tokens = None,
    concurrency: Concurrency = None,
    expires: Expires = None,
) -> None:
    """Change what a key may do; what is not named stays."""
    terms = _terms(deployment, requests_a_minute, tokens_a_minute, concurrency, expires)
    if every_deployment:
        if deployment:
            raise BadInput("--deployment and --every-deployment exclude each other.", "Give one of them.")
        terms["deployments"] = None
    if not terms:
        raise BadInput(f"Nothing of {name!r} would change.", "Give a limit; see --help.")
    client_from_environment(load().console_url).post(f"/v1/keys/{name}/terms", terms)


@app.command()
def rotate(name: str) -> None:
    """Replace a key's token and print the new one, once. The old one is refused at once."""
    typer.echo(client_from_environment(load().console_url).post(f"/v1/keys/{name}/token")["token"])


@app.command()
def revoke(name: str) -> None:
    """End a key for good."""
    client_from_environment(load().console_url).post(f"/v1/keys/{name}/revoke")


def _terms(
    deployments: list[str] | None,
    requests_a_minute: int | None,
    tokens_a_minute: int | None,
    concurrency: int | None,
    expires: str | None,
) -> dict[str, Any]:
    """What was named, as the API takes it: a limit of 0 is null there."""
    limits = {
        "requests_a_minute": requests_a_minute,
        "tokens_a_minute": tokens_a_minute,
        "concurrency": concurrency,
    }
    terms: dict[str, Any] = {name: limit or None for name, limit in limits.items() if limit is not None}
    if deployments:
        terms["deployments"] = deployments
    if expires is not None:
        ends = expiry(expires, datetime.now(UTC))
        terms["expires_at"] = ends.isoformat() if ends else None
    return terms


def expiry(text: str, now: datetime) -> datetime | None:
    """None for `never`. A day ends the key as it begins; a time without a zone is UTC. Raises BadInput."""
    if text == NEVER:
        return None
    try:
        if days := _DAYS.fullmatch(text):
            return now + timedelta(days=int(days[1]))
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{text!r} is no time at which a key can end.",
            f"Write a day as 2027-01-31, a moment as 2027-01-31T18:00Z, a number of days as 90d, or {NEVER}.",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
