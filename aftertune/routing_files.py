"""What the routers of a host keep in their folder: each its last routing table, and where stable was before.

`NAME.json` is a router's table, `NAME.past` the targets that left stable, for a pin when nothing else is left.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError

from aftertune.values.route import Route, RoutingTable, Target
from aftertune.values.value import Value

PIN = "pin.json"
"""Written by hand (`aftertune.pin`), never by a router."""

MOST_PAST = 5
"""Targets kept for each deployment."""

log = logging.getLogger(__name__)


class Past(Value):
    """Deployment → targets that were stable before, newest first, each release once."""

    targets: dict[str, tuple[Target, ...]] = Field(default_factory=dict)

    def after(self, before: RoutingTable, now: RoutingTable) -> "Past":
        """With what leaves stable between two tables."""
        targets = dict(self.targets)
        for route in before.routes:
            following = now.route(route.deployment)
            if following is None or following.stable == route.stable:
                continue
            others = [t for t in targets.get(route.deployment, ()) if t.release != route.stable.release]
            targets[route.deployment] = (route.stable, *others)[:MOST_PAST]
        return Past(targets=targets)


def newest_table(folder: Path) -> RoutingTable | None:
    """Of the sound ones that any router of this host has left."""
    return max(_tables(folder), key=lambda table: table.revision, default=None)


def _tables(folder: Path) -> Iterator[RoutingTable]:
    for file in sorted(folder.glob("*.json")):
        if file.name == PIN:
            continue
        try:
            yield RoutingTable.model_validate_json(file.read_bytes())
        except OSError as error:
            log.warning("The routing table on disk cannot be read: %s.", error)
        except ValidationError:
            log.warning("%s is no routing table; it is passed over.", file)


def read_past(file: Path) -> Past:
    """Empty where there is none that can be read."""
    try:
        return Past.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return Past()


def known_targets(folder: Path, route: Route) -> dict[str, Target]:
    """Release → where it answers, as far as this host ever heard for the deployment; newer word outranks older."""
    past = [read_past(file).targets.get(route.deployment, ()) for file in sorted(folder.glob("*.past"))]
    present = (route.stable, route.candidate, route.fallback, *(shadow.target for shadow in route.shadows))
    heard = [*(target for targets in past for target in reversed(targets)), *reversed(present)]
    return {target.release: target for target in heard if target is not None}


def write_private(file: Path, text: str) -> None:
    """Replace the file as a whole; only its owner reads it. Raises OSError.

    What root writes belongs to the folder's owner, who is the routers' user.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    fresh.chmod(0o600)
    if os.geteuid() == 0:
        folder = file.parent.stat()
        os.chown(fresh, folder.st_uid, folder.st_gid)
    fresh.replace(file)
