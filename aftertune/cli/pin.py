"""`aftertune pin` and `aftertune unpin`: on a router's host, when nothing else works."""

import getpass
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import httpx
import typer

from aftertune.control import read_control_token
from aftertune.errors import BadInput, NotFound, UnknownName
from aftertune.pin import Pin, only_writer, pin_file, read_pins, write_pins
from aftertune.rooms import Room, routers
from aftertune.routing_files import known_targets, newest_table
from aftertune.settings import Settings, load
from aftertune.trust import trusted
from aftertune.values.route import RouterLease, Target

TAKEN_S = 5.0
"""A router looks at the file at least each second."""


def pin(
    deployment: str,
    release: str,
    reason: Annotated[str, typer.Option(help="goes into the file and the routers' logs, with your name")],
    url: Annotated[
        str | None, typer.Option(help="where the release answers, without /v1; default: as last heard")
    ] = None,
    served_name: Annotated[
        str | None, typer.Option(help="what its engine calls the model; with --url; default: the release")
    ] = None,
) -> None:
    """Send all of a deployment's requests to one release, on this host, until 'aftertune unpin'.

    Needs no other room and no database. Exit code 0 only when every router of this host shows it.
    """
    settings = load()
    target = _target(settings, deployment, release, url, served_name)
    said = Pin(target=target, by=getpass.getuser(), reason=reason, at=datetime.now(UTC))
    file = pin_file(settings.routing_folder)
    with only_writer(file):
        write_pins(file, {**read_pins(file).pins, deployment: said})
    typer.echo(f"{deployment}: pinned to {release} at {target.url}, by {file}")
    _confirm(settings, lambda lease: lease.pinned.get(deployment) == release)


def unpin(
    deployment: Annotated[str | None, typer.Argument(help="default: every pinned deployment")] = None,
) -> None:
    """Let the routers of this host follow their routing table again. Exit code 0 only when every one shows it."""
    settings = load()
    file = pin_file(settings.routing_folder)
    with only_writer(file):
        before = {} if deployment is None else dict(read_pins(file).pins)
        if deployment is not None and before.pop(deployment, None) is None:
            raise NotFound("pin of", deployment, before)
        write_pins(file, before)
    typer.echo(f"{deployment or 'everything'}: no longer pinned")
    _confirm(settings, lambda lease: deployment not in lease.pinned if deployment else not lease.pinned)


def _target(
    settings: Settings, deployment: str, release: str, url: str | None, served_name: str | None
) -> Target:
    """Raises UnknownName, with what can be named."""
    if served_name is not None and url is None:
        raise BadInput("A served name goes with --url.", "Name the engine's URL too.")
    table = newest_table(settings.routing_folder)
    route = table.route(deployment) if table is not None else None
    if table is not None and route is None:
        raise UnknownName("deployment", deployment, (each.deployment for each in table.routes))
    known = known_targets(settings.routing_folder, route) if route is not None else {}
    if url is not None:
        heard = known.get(release)
        name = served_name or (heard.served_name if heard else release)
        return Target(
            release=release, url=url.rstrip("/"), served_name=name, accepts=heard.accepts if heard else None
        )
    if release not in known:
        raise BadInput(
            f"No routing table on this host says where {release!r} answers.",
            f"Known here: {', '.join(sorted(known)) or 'none'}. Another one needs --url.",
        )
    return known[release]


def _confirm(settings: Settings, holds: Callable[[RouterLease], bool]) -> None:
    """Ask every router of this host until it shows it; exit code 1 when one does not."""
    headers = {"Authorization": f"Bearer {read_control_token(settings.control_token_file)}"}
    deadline = time.monotonic() + TAKEN_S
    missing = False
    for room in routers(settings):
        while not (shown := _shows(room, headers, holds)) and time.monotonic() < deadline:
            time.sleep(0.1)
        missing |= not shown
        typer.echo(f"{room.name}: {'shows it' if shown else 'does not show it; its log says why'}")
    if missing:
        raise typer.Exit(1)


def _shows(room: Room, headers: dict[str, str], holds: Callable[[RouterLease], bool]) -> bool:
    url = f"{room.health.removesuffix('/healthz')}/v1/routing"
    try:
        answer = httpx.get(url, headers=headers, timeout=1.0, verify=trusted())
        return answer.is_success and holds(RouterLease.model_validate_json(answer.content))
    except (httpx.HTTPError, ValueError):
        return False
