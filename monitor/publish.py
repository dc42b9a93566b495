"""Publishing: the table that follows from the store's state, stored if it is new, offered to live routers."""

import logging
import threading
from datetime import datetime

from aftertune.clock import Clock
from aftertune.store import Store, Transaction
from aftertune.values.route import RouterLease, RoutingTable
from monitor.admin import Connect
from monitor.metrics import Metrics
from monitor.push import push
from monitor.routing import Known, routing_table

log = logging.getLogger(__name__)


class Publisher:
    def __init__(self, store: Store, clock: Clock, connect: Connect, metrics: Metrics) -> None:
        self._store = store
        self._clock = clock
        self._connect = connect
        self._metrics = metrics
        self._offered = RoutingTable(revision=0)  # with which routers start
        self._offering = threading.Lock()

    def publish(self) -> RoutingTable:
        """Idempotent: a table is stored once, and pushed once by this process.

        Called at every look: a key whose time is over leaves the table without anybody's doing.
        """
        now = self._clock.now()
        with self._store.read() as tx:
            current, wanted = tx.routing.current(), _wanted(tx, now)
        if wanted.model_copy(update={"revision": current.revision}) != current:
            with self._store.write() as tx:
                current = tx.routing.publish(_wanted(tx, now), now)
            log.info("Published routing table %d.", current.revision)
        self._metrics.revision.set(current.revision)
        if current != self._offered:
            self.offer()
        return current

    def offer(self) -> None:
        """Push the current table, whoever published it, unless it was pushed by this process."""
        with self._offering:  # From reading to pushing: an older table never follows a newer one.
            with self._store.read() as tx:
                current = tx.routing.current()
            if current != self._offered:
                push(current, self.live(), self._connect)
                self._offered = current

    def live(self) -> list[RouterLease]:
        """Routers whose lease runs."""
        now = self._clock.now()
        with self._store.read() as tx:
            return [router.lease for router in tx.routing.routers() if router.until > now]

    def silent(self) -> list[str]:
        """Names of routers that were known once and whose lease has ended."""
        now = self._clock.now()
        with self._store.read() as tx:
            return [router.lease.router for router in tx.routing.routers() if router.until <= now]


def _wanted(tx: Transaction, at: datetime) -> RoutingTable:
    releases = {release.id: release for release in tx.releases.all()}
    keys = tx.users.chat_keys() | tx.api_keys.grants(at)
    known = Known(tx.releases.engines(), releases, frozenset(tx.releases.quarantined()))
    return routing_table(tx.deployments.all(), known, keys)
