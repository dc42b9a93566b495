"""Releases, the engines that serve them, and which may serve nobody."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from aftertune.columns import json_column, time_column


class ReleaseRow(SQLModel, table=True):
    __tablename__ = "releases"

    id: str = Field(primary_key=True)
    state: str = Field(index=True)
    created_at: datetime = time_column()
    body: dict[str, Any] = json_column()


class QuarantineRow(SQLModel, table=True):
    __tablename__ = "quarantines"

    id: int | None = Field(default=None, primary_key=True)
    release: str = Field(index=True, foreign_key="releases.id")
    reason: str
    at: datetime = time_column()
    lifted_by: str | None = None
    lifted_at: datetime | None = time_column(nullable=True)


class EngineRow(SQLModel, table=True):
    __tablename__ = "engines"

    release: str = Field(primary_key=True, foreign_key="releases.id")
    body: dict[str, Any] = json_column()
