"""Pin files: somebody holds a deployment on a release by hand, on a router's host; the controller writes it down.

One audit entry whenever what routers say of a deployment changes: which of them hold it, and on what. What was
written before is read from the audit log itself.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import orjson

from aftertune.clock import Clock
from aftertune.identity import CONTROLLER
from aftertune.store import Store, Transaction
from aftertune.values.route import RouterLease

PIN = "pin"
UNPIN = "unpin"

_STALE_AFTER = timedelta(seconds=10)
"""After a longer pause another controller may have written: the audit log is read again."""

log = logging.getLogger(__name__)

Holds = Mapping[str, str]
"""Router → the release on which it holds a deployment."""


class Pins:
    """A silent router's last word stands: its pin file is probably still there."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._written: dict[str, Holds] = {}
        self._looked_at: datetime | None = None

    def tick(self) -> None:
        """Write down what began, changed and ended. Raises Unavailable."""
        now = self._clock.now()
        with self._store.read() as tx:
            ours = {each.name for each in tx.deployments.all()}
            holds = {
                name: held
                for name, held in said([known.lease for known in tx.routing.routers()]).items()
                if name in ours
            }
            if self._looked_at is None or now - self._looked_at > _STALE_AFTER:
                self._written = _written(tx)
        self._looked_at = now
        changed = {
            name: holds.get(name, {})
            for name in holds.keys() | self._written.keys()
            if holds.get(name, {}) != self._written.get(name, {})
        }
        for name, held in changed.items():
            with self._store.write() as tx:
                tx.audit.append(now, CONTROLLER.name, PIN if held else UNPIN, name, _body(held))
            log.warning("%s: %s", name, _reason(held))
            self._written[name] = held


def said(leases: Sequence[RouterLease]) -> dict[str, Holds]:
    """By deployment, who holds it."""
    found: dict[str, dict[str, str]] = {}
    for lease in sorted(leases, key=lambda lease: lease.router):
        for name, release in lease.pinned.items():
            found.setdefault(name, {})[lease.router] = release
    return dict(found)


def _written(tx: Transaction) -> dict[str, Holds]:
    last = {each.name: tx.audit.newest((PIN, UNPIN), each.name) for each in tx.deployments.all()}
    return {
        name: orjson.loads(entry.body)["routers"]
        for name, entry in last.items()
        if entry is not None and entry.action == PIN
    }


def _body(held: Holds) -> dict[str, object]:
    return {"routers": dict(held), "reason": _reason(held)}


def _reason(held: Holds) -> str:
    if not held:
        return "No router holds it by a pin file any more."
    named = ", ".join(f"{router} on {release}" for router, release in held.items())
    return f"A pin file holds it: {named}."
