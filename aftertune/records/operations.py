"""Alerts, the audit chain, and what makes an act happen once."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from aftertune.columns import UtcDateTime, json_column, time_column


class AlertRow(SQLModel, table=True):
    __tablename__ = "alerts"

    fingerprint: str = Field(primary_key=True)
    starts_at: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    ends_at: datetime | None = time_column(nullable=True)
    body: dict[str, Any] = json_column()


class AuditRow(SQLModel, table=True):
    __tablename__ = "audit"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = time_column()
    actor: str
    action: str
    subject: str
    body: str
    prev_hash: str
    hash: str = Field(unique=True)


class IdempotencyRow(SQLModel, table=True):
    __tablename__ = "idempotency_keys"

    key: str = Field(primary_key=True)
    actor: str
    act: str
    subject: str
    at: datetime = time_column()


class SlotRow(SQLModel, table=True):
    """The ledger of scheduled work: whoever inserts (job, slot) does it, everybody else does not."""

    __tablename__ = "slots"

    job: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    holder: str
    at: datetime = time_column()
