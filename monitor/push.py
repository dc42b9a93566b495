"""Tables go to every live router as soon as they are published; a router that misses one polls it."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from aftertune.errors import Unavailable
from aftertune.values.route import RouterLease, RoutingTable
from monitor.admin import Connect

log = logging.getLogger(__name__)


def push(table: RoutingTable, routers: Sequence[RouterLease], connect: Connect) -> int:
    """Offer the table to all routers at once; returns how many took it. Failures are logged: polling heals them."""
    if not routers:
        return 0

    def offer(router: RouterLease) -> bool:
        try:
            connect(router.admin_url).push(table)
        except Unavailable as error:
            log.warning("Table %d did not reach %s: %s", table.revision, router.router, error)
            return False
        return True

    with ThreadPoolExecutor(len(routers)) as pool:
        return sum(pool.map(offer, routers))
