"""Published routing tables and the routers that follow them."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from aftertune.records import RouterRow, RoutingTableRow
from aftertune.values.route import RouterLease, RoutingTable


class KnownRouter(NamedTuple):
    lease: RouterLease
    until: datetime


class RoutingTables:
    def __init__(self, session: Session) -> None:
        self._session = session

    def current(self) -> RoutingTable:
        """The newest table; an empty one, revision 0, before the first."""
        row = self._session.exec(
            select(RoutingTableRow).order_by(col(RoutingTableRow.revision).desc()).limit(1)
        ).first()
        return RoutingTable.model_validate(row.body) if row else RoutingTable(revision=0)

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
        row = self._session.get(RouterRow, lease.router)
        body = lease.model_dump(mode="json")
        if row is None:
            self._session.add(RouterRow(name=lease.router, lease_until=until, body=body))
        else:
            row.lease_until, row.body = until, body

    def routers(self) -> list[KnownRouter]:
        rows = self._session.exec(select(RouterRow).order_by(RouterRow.name)).all()
        return [KnownRouter(RouterLease.model_validate(row.body), row.lease_until) for row in rows]
