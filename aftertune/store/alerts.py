"""Alerts, as Alertmanager told them."""

from datetime import datetime

from sqlmodel import Session, col, select

from aftertune.records import AlertRow
from aftertune.values.alert import Alert


class AlertTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def save(self, alert: Alert) -> bool:
        """True when it is news: a new alert, one that is resolved now, or one that fires again.

        Alertmanager resolves what Prometheus falls silent about; the alert then comes back with its old start.
        """
        row = self._session.get(AlertRow, (alert.fingerprint, alert.starts_at))
        body = alert.model_dump(mode="json")
        if row is None:
            self._session.add(
                AlertRow(
                    fingerprint=alert.fingerprint,
                    starts_at=alert.starts_at,
                    ends_at=alert.ends_at,
                    body=body,
                )
            )
            self._session.flush()
            return True
        news = (row.ends_at is None) is not (alert.ends_at is None)
        if news:
            row.ends_at, row.body = alert.ends_at, body
        return news

    def firing(self) -> list[Alert]:
        """Newest first."""
        rows = self._session.exec(
            select(AlertRow).where(col(AlertRow.ends_at).is_(None)).order_by(col(AlertRow.starts_at).desc())
        )
        return [Alert.model_validate(row.body) for row in rows]

    def between(self, since: datetime, until: datetime) -> list[Alert]:
        """Started in [since, until), oldest first."""
        rows = self._session.exec(
            select(AlertRow)
            .where(col(AlertRow.starts_at) >= since, col(AlertRow.starts_at) < until)
            .order_by(col(AlertRow.starts_at), AlertRow.fingerprint)
        )
        return [Alert.model_validate(row.body) for row in rows]
