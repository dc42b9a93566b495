"""Suites, their runs and samples."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from aftertune.columns import json_column, time_column


class SuiteRow(SQLModel, table=True):
    """What the evaluation room can run; it writes them when it starts."""

    __tablename__ = "suites"

    name: str = Field(primary_key=True)
    body: dict[str, Any] = json_column()


class EvaluationRow(SQLModel, table=True):
    __tablename__ = "evaluations"
    __table_args__ = (Index("ix_evaluations_release_suite", "release", "suite", "requested_at"),)

    id: str = Field(primary_key=True)
    suite: str
    release: str = Field(foreign_key="releases.id")
    trigger: str
    state: str = Field(index=True)
    requested_at: datetime = time_column()
    body: dict[str, Any] = json_column()


class SampleRow(SQLModel, table=True):
    """One answer of one run, by the release under test or by its baseline."""

    __tablename__ = "samples"

    run: str = Field(primary_key=True, foreign_key="evaluations.id")
    release: str = Field(primary_key=True)
    sample: str = Field(primary_key=True)
    body: dict[str, Any] = json_column()
