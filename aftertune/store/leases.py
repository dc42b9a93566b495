"""Leases: one holder at a time may act as the named thing."""

from datetime import datetime

from sqlmodel import Session

from aftertune.records import LeaseRow


class LeaseTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def acquire(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take or renew the lease; False while somebody else's runs."""
        row = self._session.get(LeaseRow, name)
        if row is None:
            self._session.add(LeaseRow(name=name, holder=holder, until=until))
            self._session.flush()
            return True
        if row.holder != holder and row.until > now:
            return False
        row.holder, row.until = holder, until
        return True
