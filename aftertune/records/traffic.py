"""Exchanges, what they are scored with, what is said of them, and what could not be kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from aftertune.columns import UtcDateTime, json_column, time_column


class ExchangeRow(SQLModel, table=True):
    __tablename__ = "exchanges"
    __table_args__ = (Index("ix_exchanges_deployment_arrival", "deployment", "arrival"),)

    exchange_id: str = Field(primary_key=True)
    request_id: str = Field(index=True)
    pair_id: str | None = Field(default=None, index=True)
    deployment: str
    release: str
    generation: int
    role: str
    arrival: datetime = time_column()
    body: dict[str, Any] = json_column()


class PayloadRow(SQLModel, table=True):
    """Raw bodies as the capture policy allows; kept apart so that they can be erased."""

    __tablename__ = "payloads"

    exchange_id: str = Field(primary_key=True, foreign_key="exchanges.exchange_id")
    request: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class AnswerRow(SQLModel, table=True):
    """The scores of one leg, kept for every exchange; what guardrails are judged on."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_release_role_at", "deployment", "release", "role", "at"),)

    exchange_id: str = Field(primary_key=True, foreign_key="exchanges.exchange_id")
    deployment: str
    release: str
    role: str
    generation: int
    at: datetime = time_column()
    scores: dict[str, Any] = json_column()


class PairRow(SQLModel, table=True):
    __tablename__ = "pairs"
    __table_args__ = (
        Index("ix_pairs_releases_at", "deployment", "candidate_release", "stable_release", "at"),
    )

    pair_id: str = Field(primary_key=True)
    deployment: str
    stable_release: str
    candidate_release: str
    at: datetime = time_column()
    body: dict[str, Any] = json_column()


class SpoolPositionRow(SQLModel, table=True):
    """How far a segment was ingested; written in the transaction that stores its exchanges."""

    __tablename__ = "spool_positions"

    router: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    next_offset: int = Field(sa_column=Column(BigInteger, nullable=False))


class FeedbackRow(SQLModel, table=True):
    """What somebody said of an answer. It may come before the exchange it is about, which is joined when read."""

    __tablename__ = "feedback"

    id: str = Field(primary_key=True)
    request_id: str = Field(index=True)
    deployment: str | None = None
    kind: str
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    body: dict[str, Any] = json_column()


class GapRow(SQLModel, table=True):
    """Records that a router could not keep: how many, when and why."""

    __tablename__ = "gaps"

    id: str = Field(primary_key=True)
    router: str
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    until: datetime = time_column()
    body: dict[str, Any] = json_column()
