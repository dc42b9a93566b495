"""The routing table in force: it only moves forward, and its last copy is on disk."""

import logging
import os
from pathlib import Path

from pydantic import ValidationError

from aftertune.errors import Conflict
from aftertune.identity import token_hash
from aftertune.values.route import KeyGrant, Route, RoutingTable
from serving.router.metrics import Metrics

log = logging.getLogger(__name__)


class Routing:
    """What the router serves by. `table` is None until one was accepted or found on disk."""

    def __init__(self, file: Path, metrics: Metrics) -> None:
        self._file = file
        self._metrics = metrics
        self._routes: dict[str, Route] = {}
        self.table: RoutingTable | None = None

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

    def route(self, deployment: str) -> Route | None:
        return self._routes.get(deployment)

    def holder(self, token: str) -> str | None:
        """The name of the person or program that may chat with this credential."""
        grant = self.grant(token_hash(token))
        return grant.name if grant is not None else None

    def grant(self, digest: str) -> KeyGrant | None:
        """What the credential of this SHA-256 may do; None when nobody holds it."""
        return self.table.keys.get(digest) if self.table is not None else None

    def accept(self, table: RoutingTable) -> None:
        """Serve by this table from now on. Raises Conflict, and changes nothing, when any part of it is older."""
        try:
            self._refuse_older(table)
        except Conflict:
            self._metrics.table_refused.inc()
            raise
        if table != self.table:
            self._serve_by(table)
            self._save(table)

    def load(self) -> None:
        """Take up the copy on disk, if there is a sound one."""
        try:
            raw = self._file.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("The routing table on disk cannot be read: %s.", error)
            return
        try:
            self._serve_by(RoutingTable.model_validate_json(raw))
        except ValidationError:
            log.warning("%s is no routing table; waiting for a new one from the monitor.", self._file)

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
        self._routes = {route.deployment: route for route in table.routes}
        self._metrics.routed(table.revision, self.generations)

    def _save(self, table: RoutingTable) -> None:
        """A router without a disk still routes: it only loses its memory."""
        fresh = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(table.model_dump_json())
            fresh.replace(self._file)
        except OSError as error:
            log.warning("The routing table cannot be kept on disk: %s.", error)
