"""Published routing tables and the routers that follow them."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Text, cast
from sqlmodel import Session, col, delete, select

from aftertune.records import RouterRow, RoutingTableRow
from aftertune.values.route import RouterLease, RoutingTable

GONE_AFTER = timedelta(days=1)
"""A router that was silent for so long is not expected back, and is forgotten."""


class KnownRouter(NamedTuple):
    lease: RouterLease
    until: datetime


class RoutingTables:
    def __init__(self, session: Session) -> None:
        self._session = session

    def current(self) -> RoutingTable:
        """The newest table; an empty one, revision 0, before the first."""
        body = self._session.exec(
            select(cast(RoutingTableRow.body, Text)).order_by(col(RoutingTableRow.revision).desc()).limit(1)
        ).first()
        return _table(body) if body is not None else RoutingTable(revision=0)

    def publish(self, table: RoutingTable, at: datetime) -> RoutingTable:
        """Store the table under the next revision if it says anything new; returns the current one."""
        current = self.current()
        following = table.model_copy(update={"revision": current.revision})
        if following == current:
            return current
        following = table.model_copy(update={"revision": current.revision + 1})
        self._session.add(
            RoutingTableRow(revision=following.revision, at=at, body=following.model_dump(mode="json"))
        )
        self._session.flush()
        return following

    def renew(self, lease: RouterLease, until: datetime) -> None:
        """Routers whose lease ended GONE_AFTER before this one's end are forgotten."""
        row = self._session.get(RouterRow, lease.router)
        body = lease.model_dump(mode="json")
        if row is None:
            self._session.add(RouterRow(name=lease.router, lease_until=until, body=body))
            # Names come and go with hosts; only a new one makes it worth the look.
            self._session.exec(delete(RouterRow).where(col(RouterRow.lease_until) < until - GONE_AFTER))
        else:
            row.lease_until, row.body = until, body

    def forget(self, router: str) -> None:
        """It was ended and does not come back."""
        self._session.exec(delete(RouterRow).where(col(RouterRow.name) == router))

    def routers(self) -> list[KnownRouter]:
        rows = self._session.exec(select(RouterRow).order_by(RouterRow.name)).all()
        return [KnownRouter(RouterLease.model_validate(row.body), row.lease_until) for row in rows]


@lru_cache(maxsize=2)  # It holds every key and is asked for several times a second.
def _table(body: str) -> RoutingTable:
    return RoutingTable.model_validate_json(body)
