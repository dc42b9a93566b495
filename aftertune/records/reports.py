"""Weekly reports and the words of their reviewers."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from aftertune.columns import json_column, time_column


class ReportRow(SQLModel, table=True):
    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("week", "revision"),)

    id: str = Field(primary_key=True)
    week: str
    revision: int
    state: str = Field(index=True)
    requested_at: datetime = time_column()
    body: dict[str, Any] = json_column()


class SignOffRow(SQLModel, table=True):
    """One word of each reviewer on each manifest."""

    __tablename__ = "sign_offs"
    __table_args__ = (UniqueConstraint("report", "manifest_digest", "reviewer"),)

    id: int | None = Field(default=None, primary_key=True)
    report: str = Field(index=True, foreign_key="reports.id")
    manifest_digest: str
    reviewer: str
    at: datetime = time_column()
    body: dict[str, Any] = json_column()
