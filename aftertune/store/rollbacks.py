"""Rollbacks, from request to proof."""

from sqlmodel import Session, col, select

from aftertune.errors import NotFound
from aftertune.records import RollbackRow
from aftertune.values.rollback import Rollback, RollbackState


class RollbackTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, rollback: Rollback) -> bool:
        """False when one with this id is stored already (the id is the idempotency key)."""
        if self._session.get(RollbackRow, rollback.id) is not None:
            return False
        self._session.add(
            RollbackRow(
                id=rollback.id,
                deployment=rollback.deployment,
                state=rollback.state,
                automatic=rollback.automatic,
                requested_at=rollback.requested_at,
                body=rollback.model_dump(mode="json"),
            )
        )
        self._session.flush()
        return True

    def save(self, rollback: Rollback) -> None:
        row = self._row(rollback.id)
        row.state, row.body = rollback.state, rollback.model_dump(mode="json")

    def get(self, rollback: str) -> Rollback:
        return Rollback.model_validate(self._row(rollback).body)

    def unfinished(self) -> list[Rollback]:
        """Oldest first."""
        final = [state for state in RollbackState if state.final]
        rows = self._session.exec(
            select(RollbackRow)
            .where(col(RollbackRow.state).not_in(final))
            .order_by(col(RollbackRow.requested_at))
        ).all()
        return [Rollback.model_validate(row.body) for row in rows]

    def of(self, deployment: str) -> list[Rollback]:
        """Newest first."""
        rows = self._session.exec(
            select(RollbackRow)
            .where(RollbackRow.deployment == deployment)
            .order_by(col(RollbackRow.requested_at).desc())
        ).all()
        return [Rollback.model_validate(row.body) for row in rows]

    def _row(self, rollback: str) -> RollbackRow:
        row = self._session.get(RollbackRow, rollback)
        if row is None:
            raise NotFound("rollback", rollback)
        return row
