"""Training jobs."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from aftertune.columns import json_column, time_column


class TrainingRow(SQLModel, table=True):
    __tablename__ = "training_jobs"

    id: str = Field(primary_key=True)
    release: str
    state: str
    started_at: datetime = time_column()
    body: dict[str, Any] = json_column()
