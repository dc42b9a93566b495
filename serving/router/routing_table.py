"""The routing table in force: it only moves forward, its last copy is on disk, and a pin on this host outranks it."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from aftertune.errors import Conflict
from aftertune.routing_files import newest_table, read_past, write_private
from aftertune.values.route import KeyGrant, Mode, Route, RoutingTable, Target

log = logging.getLogger(__name__)


class RoutingCounts(Protocol):
    """What is told of the table and the pins in force; `pinned` maps a deployment to its release."""

    def routed(self, revision: int, generations: dict[str, int]) -> None: ...
    def refused_table(self) -> None: ...
    def pinned(self, pinned: Mapping[str, str]) -> None: ...


class Routing:
    """What the router serves by. `table` is None until one was accepted or found on disk.

    `pins` are deployments that a person holds on one target. A pin takes effect where the table has its deployment,
    under the table's generation.
    """

    def __init__(self, file: Path, counts: RoutingCounts) -> None:
        self._file = file
        self._counts = counts
        self._routes: dict[str, Route] = {}
        self.table: RoutingTable | None = None
        self.pins: dict[str, Target] = {}

    @property
    def revision(self) -> int:
        """Of the table in force; -1 before the first."""
        return self.table.revision if self.table is not None else -1

    @property
    def generations(self) -> dict[str, int]:
        return {name: route.generation for name, route in self._routes.items()}

    @property
    def deployments(self) -> tuple[str, ...]:
        return tuple(self._routes)

    @property
    def pinned(self) -> dict[str, str]:
        """Deployment → release of every pin in force."""
        return {name: target.release for name, target in self.pins.items() if name in self._routes}

    @property
    def routes(self) -> Iterable[Route]:
        """As they are in force, pins included."""
        return self._routes.values()

    def route(self, deployment: str) -> Route | None:
        return self._routes.get(deployment)

    def grant(self, digest: str) -> KeyGrant | None:
        """What the credential of this SHA-256 may do; None when nobody holds it."""
        return self.table.keys.get(digest) if self.table is not None else None

    def accept(self, table: RoutingTable) -> None:
        """Serve by this table from now on. Raises Conflict, and changes nothing, when any part of it is older."""
        try:
            self._refuse_older(table)
        except Conflict:
            self._counts.refused_table()
            raise
        before = self.table
        if table != before:
            self._serve_by(table)
            self._save(before, table)

    def pin(self, pins: Mapping[str, Target]) -> None:
        """Hold these deployments, and no others, on their targets."""
        self.pins = dict(pins)
        for name in sorted(self.pins.keys() - self._routes.keys()):
            log.warning("%s is pinned, but no routing table here has it.", name)
        self._set_routes()

    def load(self) -> None:
        """Take up the newest sound copy that a router of this host has left, if there is one."""
        newest = newest_table(self._file.parent)
        if newest is not None:
            self._serve_by(newest)

    def _refuse_older(self, table: RoutingTable) -> None:
        if table.revision < self.revision:
            raise Conflict(f"Table {table.revision} is older than {self.revision}, which is in force.")
        for route in table.routes:
            current = self._routes.get(route.deployment)
            if current is not None and route.generation < current.generation:
                raise Conflict(
                    f"Table {table.revision} has {route.deployment} at generation {route.generation}, "
                    f"older than {current.generation}, which is in force."
                )

    def _serve_by(self, table: RoutingTable) -> None:
        self.table = table
        self._set_routes()
        self._counts.routed(table.revision, self.generations)

    def _set_routes(self) -> None:
        routes = self.table.routes if self.table is not None else ()
        self._routes = {route.deployment: self._held(route) for route in routes}
        self._counts.pinned(self.pinned)

    def _held(self, route: Route) -> Route:
        """Wholly to the pinned target: no canary, no copies, no fallback."""
        target = self.pins.get(route.deployment)
        if target is None:
            return route
        alone = {"candidate": None, "mode": Mode.NONE, "share": 0.0, "mirror": 0.0, "shadows": ()}
        return route.model_copy(update={**alone, "fallback": None, "stable": target})

    def _save(self, before: RoutingTable | None, table: RoutingTable) -> None:
        """A router without a disk still routes: it only loses its memory."""
        past_file = self._file.with_suffix(".past")
        try:
            write_private(self._file, table.model_dump_json())
            past = read_past(past_file)
            following = past if before is None else past.after(before, table)
            if following != past:
                write_private(past_file, following.model_dump_json())
        except OSError as error:
            log.warning("The routing table cannot be kept on disk: %s.", error)
