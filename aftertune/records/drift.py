"""Embeddings, detectors and their readings."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from aftertune.columns import json_column, time_column


class EmbeddingRow(SQLModel, table=True):
    """Vectors of one exchange as little-endian float16; an empty answer has no vector."""

    __tablename__ = "embeddings"
    __table_args__ = (Index("ix_embeddings_deployment_at", "deployment", "at"),)

    exchange_id: str = Field(primary_key=True, foreign_key="exchanges.exchange_id")
    deployment: str
    release: str
    at: datetime = time_column()
    encoder: str
    prompt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class DriftWatchRow(SQLModel, table=True):
    """A deployment's detector: its charts' state and, seldom changed, its reference, as the detector wrote them."""

    __tablename__ = "drift_watches"

    deployment: str = Field(primary_key=True, foreign_key="deployments.name")
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    reference: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class DriftReadingRow(SQLModel, table=True):
    __tablename__ = "drift_readings"
    __table_args__ = (Index("ix_drift_readings_deployment_at", "deployment", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    deployment: str
    state: str
    at: datetime = time_column()
    body: dict[str, Any] = json_column()
