"""The audit chain's table. Entries are only ever appended, in the transaction of the act they record."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from aftertune.audit import GENESIS, AuditEntry, chain
from aftertune.records import AuditRow


class AuditLog:
    def __init__(self, session: Session) -> None:
        self._session = session

    def append(
        self, at: datetime, actor: str, action: str, subject: str, body: Mapping[str, Any] | None = None
    ) -> AuditEntry:
        last = self._session.exec(select(AuditRow).order_by(col(AuditRow.seq).desc()).limit(1)).first()
        seq, head = (last.seq + 1, last.hash) if last else (1, GENESIS)
        entry = chain(head, seq, at, actor, action, subject, body or {})
        self._session.add(AuditRow(**entry.model_dump()))
        self._session.flush()
        return entry

    def entries(self) -> Iterator[AuditEntry]:
        """The whole chain, oldest first."""
        for row in self._session.exec(select(AuditRow).order_by(col(AuditRow.seq))):
            yield AuditEntry.model_validate(row.model_dump())

    def first(self) -> AuditEntry | None:
        """The oldest: when everything began."""
        row = self._session.get(AuditRow, 1)
        return AuditEntry.model_validate(row.model_dump()) if row else None

    def newest(self, actions: Iterable[str], subject: str | None = None) -> AuditEntry | None:
        """The last entry that names one of these actions, on this subject or on any."""
        query = select(AuditRow).where(col(AuditRow.action).in_(list(actions)))
        if subject is not None:
            query = query.where(AuditRow.subject == subject)
        row = self._session.exec(query.order_by(col(AuditRow.seq).desc()).limit(1)).first()
        return AuditEntry.model_validate(row.model_dump()) if row else None

    def latest(self, limit: int, subject: str | None = None) -> list[AuditEntry]:
        """Newest first."""
        query = select(AuditRow).order_by(col(AuditRow.seq).desc()).limit(limit)
        if subject is not None:
            query = query.where(AuditRow.subject == subject)
        return [AuditEntry.model_validate(row.model_dump()) for row in self._session.exec(query)]
