"""Previous good answers in stable's place: routers switch by themselves and say so; the controller writes it down.

One audit entry when it begins and one when it ends, for a deployment, however many routers say it. What is written
is what was written before: the audit log itself tells whether a deployment counts as fallen back.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson
from prometheus_client import Gauge

from aftertune.audit import AuditEntry
from aftertune.clock import Clock
from aftertune.identity import CONTROLLER
from aftertune.store import Store, Transaction
from aftertune.values.deployment import Act
from aftertune.values.route import RouterLease

RETURN_AFTER = timedelta(seconds=30)
"""No router must have said it for so long before it counts as over: an engine on probation may fail again at once."""
_STALE_AFTER = timedelta(seconds=10)
"""After a longer pause another controller may have written: the audit log is read again."""

log = logging.getLogger(__name__)


class Fallen(NamedTuple):
    """A deployment whose users get `release`; `routers` say so."""

    release: str
    routers: tuple[str, ...]


class Fallbacks:
    """`live` gives the leases of routers that are known to run."""

    def __init__(
        self, store: Store, clock: Clock, live: Callable[[], Sequence[RouterLease]], gauge: Gauge
    ) -> None:
        self._store, self._clock, self._live, self._gauge = store, clock, live, gauge
        self._standing: dict[str, datetime] = {}
        self._quiet: dict[str, datetime] = {}
        self._looked_at: datetime | None = None

    def tick(self) -> None:
        """Write down what began and what ended. Raises Unavailable."""
        now, leases = self._clock.now(), self._live()
        if self._looked_at is None or now - self._looked_at > _STALE_AFTER:
            self._standing, self._quiet = self._read(), {}
        self._looked_at = now
        fallen = said(leases)
        for name in fallen:
            self._quiet.pop(name, None)
            if name not in self._standing:
                self._begin(name, fallen[name], now)
        # While nobody is heard nothing is known: silence is no return.
        for name in self._standing.keys() - fallen.keys() if leases else ():
            since = self._quiet.setdefault(name, now)
            if now - since >= RETURN_AFTER:
                self._end(name, since, now)
        for name in self._standing:
            self._gauge.labels(deployment=name).set(1)

    def _read(self) -> dict[str, datetime]:
        with self._store.read() as tx:
            found = {each.name: _standing(tx, each.name) for each in tx.deployments.all()}
        return {name: entry.at for name, entry in found.items() if entry is not None}

    def _begin(self, name: str, fallen: Fallen, now: datetime) -> None:
        with self._store.write() as tx:
            stable = _stable(tx, name)
            if stable is None:
                return  # The router follows another database's table.
            standing = _standing(tx, name)
            if standing is None:
                tx.audit.append(now, CONTROLLER.name, Act.FALL_BACK, name, _began(stable, fallen, now))
                log.error("%s: %s answers, every engine of %s is down.", name, fallen.release, stable)
        self._standing[name] = standing.at if standing else now

    def _end(self, name: str, until: datetime, now: datetime) -> None:
        with self._store.write() as tx:
            standing = _standing(tx, name)
            if standing is not None:
                stable = _stable(tx, name) or ""
                tx.audit.append(now, CONTROLLER.name, Act.RETURN, name, _ended(standing, stable, until))
                log.warning("%s: %s answers again.", name, stable)
        del self._standing[name], self._quiet[name]
        self._gauge.labels(deployment=name).set(0)


def said(leases: Sequence[RouterLease]) -> Mapping[str, Fallen]:
    """By deployment, what at least one router says. Where they name several releases, the first one's counts."""
    found: dict[str, Fallen] = {}
    for lease in sorted(leases, key=lambda lease: lease.router):
        for name, release in lease.fallen_back.items():
            before = found.get(name, Fallen(release, ()))
            found[name] = before._replace(routers=(*before.routers, lease.router))
    return found


def _standing(tx: Transaction, deployment: str) -> AuditEntry | None:
    """The entry that says it began, unless one says it ended."""
    entry = tx.audit.newest((Act.FALL_BACK, Act.RETURN), deployment)
    return entry if entry is not None and entry.action == Act.FALL_BACK else None


def _stable(tx: Transaction, deployment: str) -> str | None:
    return next((each.stable for each in tx.deployments.all() if each.name == deployment), None)


def _began(stable: str, fallen: Fallen, since: datetime) -> dict[str, object]:
    return {
        "from": stable,
        "to": fallen.release,
        "routers": list(fallen.routers),
        "since": since.isoformat(),
        "reason": f"Every engine of {stable} is down; {fallen.release} answers.",
    }


def _ended(standing: AuditEntry, stable: str, until: datetime) -> dict[str, object]:
    began = orjson.loads(standing.body)
    return {
        "from": began["to"],
        "to": stable,
        "routers": began["routers"],
        "since": began["since"],
        "until": until.isoformat(),
        "reason": f"{stable} answers again; {began['to']} stood in.",
    }
