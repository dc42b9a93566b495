"""Embeddings, the detectors' state and what they said."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, func, select, update

from aftertune.records import DriftReadingRow, DriftWatchRow, EmbeddingRow, ExchangeRow, PayloadRow
from aftertune.store.exchanges import Payload
from aftertune.values.drift import DriftReading
from aftertune.values.exchange import Exchange, ExchangeRole


class Embedded(NamedTuple):
    """Vectors are little-endian float16; empty where there was no text, or where the exchange was passed over."""

    exchange_id: str
    deployment: str
    release: str
    at: datetime
    encoder: str
    prompt: bytes
    answer: bytes


class SavedWatch(NamedTuple):
    state: bytes
    reference: bytes


class DriftTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def waiting(self, deployment: str, since: datetime, limit: int) -> list[tuple[Exchange, Payload]]:
        """Answers to users, with payload and not yet looked at, that arrived since; oldest first."""
        rows = self._session.exec(
            select(ExchangeRow, PayloadRow)
            .join(PayloadRow, col(PayloadRow.exchange_id) == ExchangeRow.exchange_id)
            .outerjoin(EmbeddingRow, col(EmbeddingRow.exchange_id) == ExchangeRow.exchange_id)
            .where(*_waiting(deployment, since))
            .order_by(col(ExchangeRow.arrival), ExchangeRow.exchange_id)
            .limit(limit)
        )
        return [
            (Exchange.model_validate(exchange.body), Payload(payload.request, payload.answer))
            for exchange, payload in rows
        ]

    def backlog(self, deployment: str, since: datetime) -> int:
        """How many `waiting` would return without a limit."""
        query = (
            select(func.count())
            .select_from(ExchangeRow)
            .join(PayloadRow, col(PayloadRow.exchange_id) == ExchangeRow.exchange_id)
            .outerjoin(EmbeddingRow, col(EmbeddingRow.exchange_id) == ExchangeRow.exchange_id)
            .where(*_waiting(deployment, since))
        )
        return self._session.exec(query).one()

    def add(self, embedded: Embedded) -> None:
        self._session.add(EmbeddingRow(**embedded._asdict()))

    def watch(self, deployment: str) -> bytes | None:
        """The detector's state; None before its first exchange."""
        return self._session.exec(
            select(DriftWatchRow.state).where(DriftWatchRow.deployment == deployment)
        ).first()

    def saved_watch(self, deployment: str) -> SavedWatch | None:
        """With the reference, which is large and seldom changes."""
        row = self._session.get(DriftWatchRow, deployment)
        return SavedWatch(row.state, row.reference) if row else None

    def save_watch(self, deployment: str, state: bytes, reference: bytes | None) -> None:
        """`reference` None: it is the one that is stored. Raises ValueError when there is none."""
        changed = {"state": state} if reference is None else {"state": state, "reference": reference}
        updated = self._session.execute(
            update(DriftWatchRow)
            .where(col(DriftWatchRow.deployment) == deployment)
            .values(**changed)
            .returning(col(DriftWatchRow.deployment))
        )
        if updated.first() is not None:
            return
        if reference is None:
            raise ValueError(f"the watch over {deployment} has no stored reference")
        self._session.add(DriftWatchRow(deployment=deployment, state=state, reference=reference))
        self._session.flush()

    def watched(self) -> list[str]:
        """Deployments that have a watch, by name."""
        return list(self._session.exec(select(DriftWatchRow.deployment).order_by(DriftWatchRow.deployment)))

    def forget_watch(self, deployment: str) -> None:
        """The next exchanges make a new reference."""
        self._session.execute(delete(DriftWatchRow).where(col(DriftWatchRow.deployment) == deployment))

    def add_reading(self, reading: DriftReading) -> None:
        self._session.add(
            DriftReadingRow(
                deployment=reading.deployment,
                state=reading.state,
                at=reading.at,
                body=reading.model_dump(mode="json"),
            )
        )
        self._session.flush()

    def reading(self, deployment: str) -> DriftReading | None:
        """The newest."""
        return next(iter(self.readings(deployment, 1)), None)

    def readings(self, deployment: str, limit: int) -> list[DriftReading]:
        """Newest first."""
        rows = self._session.exec(
            select(DriftReadingRow)
            .where(DriftReadingRow.deployment == deployment)
            .order_by(col(DriftReadingRow.id).desc())
            .limit(limit)
        )
        return [DriftReading.model_validate(row.body) for row in rows]

    def between(self, since: datetime, until: datetime) -> list[DriftReading]:
        """Readings in [since, until), oldest first."""
        rows = self._session.exec(
            select(DriftReadingRow)
            .where(col(DriftReadingRow.at) >= since, col(DriftReadingRow.at) < until)
            .order_by(col(DriftReadingRow.id))
        )
        return [DriftReading.model_validate(row.body) for row in rows]


def _waiting(deployment: str, since: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(ExchangeRow.deployment) == deployment,
        col(ExchangeRow.arrival) >= since,
        col(EmbeddingRow.exchange_id).is_(None),
        col(ExchangeRow.role).in_((ExchangeRole.STABLE, ExchangeRole.CANARY)),
    )
