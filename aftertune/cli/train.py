"""`aftertune train`: a training job as an attached child process, then its release registered."""

import getpass
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aftertune.cli.client import ConsoleClient, client_from_environment
from aftertune.errors import AftertuneError, BadInput, Conflict, Forbidden, UnknownName
from aftertune.identity import Permission
from aftertune.settings import Settings, load
from aftertune.values.release import ReleaseState

if TYPE_CHECKING:
    from training.order import Order

POLL_S = 0.5
"""Seconds between two looks at a release that is being merged."""


def train(
    spec: Annotated[Path, typer.Argument(help="a training spec, such as examples/task_api/v1.yaml")],
    register: Annotated[bool, typer.Option(help="register the release once its adapter is there")] = True,
    wait: Annotated[bool, typer.Option(help="until the release is merged and proven, or rejected")] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="start over: drop checkpoint and adapter")] = False,
) -> None:
    """Train a release, or go on where it was stopped or killed. Exit code 130 when you stop it."""
    from training.order import place_order  # noqa: PLC0415  (a room is loaded by the command that needs it)
    from training.spec import read_spec  # noqa: PLC0415

    settings = load()
    order = place_order(read_spec(spec))
    if not register:
        _adapter(settings, spec, order, None, fresh=fresh)
        return
    with closing(client_from_environment(settings.console_url)) as client:
        adapter = _adapter(settings, spec, order, client, fresh=fresh)
        _register(client, order, adapter)
        if wait:
            _await_merge(client, order.spec.release)


def _adapter(
    settings: Settings, spec: Path, order: "Order", client: ConsoleClient | None, *, fresh: bool
) -> Path:
    """Trains it, once the console (if one is asked) would take the release; returns the adapter's folder."""
    from aftertune.cli.attached import Attached  # noqa: PLC0415
    from training.job import ADAPTER_FOLDER  # noqa: PLC0415

    folder = (settings.training_folder / order.spec.release).resolve()
    adapter = folder / ADAPTER_FOLDER
    by = _preflight(client, order, adapter, fresh=fresh) if client else getpass.getuser()
    typer.echo(
        f"{order.spec.release}: {len(order.data.train.rows)} conversations, {len(order.data.validation.rows)} to"
        f" validate on; {order.steps} steps at most; records in {folder}"
    )
    job = Attached(settings, folder, typer.echo).run(spec, by, fresh=fresh)
    typer.echo(
        f"{job.release}: trained in {job.seconds:.0f} s; step {job.best_step} is the best, validation loss"
        f" {job.best_validation:.4f}; adapter in {adapter}"
    )
    return adapter


def _preflight(client: ConsoleClient, order: "Order", adapter: Path, *, fresh: bool) -> str:
    """What would be refused after hours of training is refused now. Returns the operator's name."""
    me = client.get("/v1/me")
    if Permission.REGISTER_RELEASE not in me["permissions"]:
        raise Forbidden(
            f"{me['name']} may not register releases.", "Use an operator's token, or --no-register."
        )
    if order.spec.suites:
        known = [suite["name"] for suite in client.get("/v1/suites")]
        unknown = [suite for suite in order.spec.suites if suite not in known]
        if unknown:
            raise UnknownName("evaluation suite", unknown[0], known)
    registered = _registered_adapter(client, order.spec.release)
    if registered is not None and (fresh or registered != str(adapter)):
        raise Conflict(
            f"The release {order.spec.release!r} is registered already.",
            "Choose another 'release' in the spec.",
        )
    return str(me["name"])


def _registered_adapter(client: ConsoleClient, release: str) -> str | None:
    """The adapter folder of a registered release, None if there is no such release."""
    releases = (view["release"] for view in client.get("/v1/releases"))
    return next((str(known["adapter_path"]) for known in releases if known["id"] == release), None)


def _register(client: ConsoleClient, order: "Order", adapter: Path) -> None:
    release = order.spec.release
    if _registered_adapter(client, release) is not None:
        typer.echo(f"{release}: registered already")
        return
    body: dict[str, object] = {"id": release, "base": str(order.spec.base), "adapter": str(adapter)}
    if order.spec.suites:
        body["suites"] = list(order.spec.suites)
    try:
        client.post("/v1/releases", body, key=f"train-{order.digest}")
    except AftertuneError as error:
        again = "The adapter is safe: run the same command again to register it."
        raise type(error)(error.what, f"{error.remedy} {again}".strip()) from None
    typer.echo(f"{release}: registered")


def _await_merge(client: ConsoleClient, release: str) -> None:
    """Until the supervisor has merged and proven it. Raises BadInput when it is rejected."""
    seen = str(ReleaseState.REGISTERED)
    while True:
        found = client.get(f"/v1/releases/{release}")["release"]
        said = f"{found['state']} {found['reason']}".strip()
        if said != seen:
            typer.echo(f"{release}: {said}")
            seen = said
        if found["state"] == ReleaseState.REJECTED:
            raise BadInput(f"{release} was rejected: {found['reason']}")
        if found["state"] == ReleaseState.READY:
            return
        time.sleep(POLL_S)
