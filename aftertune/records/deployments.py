"""Deployments, and what changes their routing."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from aftertune.columns import json_column, time_column


class DeploymentRow(SQLModel, table=True):
    """`generation` is the compare-and-swap column: every change is `UPDATE … WHERE generation = seen`."""

    __tablename__ = "deployments"

    name: str = Field(primary_key=True)
    generation: int
    body: dict[str, Any] = json_column()


class PromotionRow(SQLModel, table=True):
    """Which release became stable when: rollback targets come only from here."""

    __tablename__ = "promotions"
    __table_args__ = (UniqueConstraint("deployment", "generation"),)

    id: int | None = Field(default=None, primary_key=True)
    deployment: str = Field(index=True, foreign_key="deployments.name")
    release: str = Field(foreign_key="releases.id")
    generation: int
    at: datetime = time_column()


class RolloutRow(SQLModel, table=True):
    __tablename__ = "rollouts"

    id: str = Field(primary_key=True)
    deployment: str = Field(index=True, foreign_key="deployments.name")
    requester: str
    state: str = Field(index=True)
    created_at: datetime = time_column()
    body: dict[str, Any] = json_column()


class ApprovalRow(SQLModel, table=True):
    """The requester of a plan cannot approve it, whatever the code above does."""

    __tablename__ = "approvals"
    __table_args__ = (
        UniqueConstraint("rollout", "plan", "approver"),
        CheckConstraint("approver <> requester", name="requester_may_not_approve"),
    )

    id: int | None = Field(default=None, primary_key=True)
    rollout: str = Field(index=True, foreign_key="rollouts.id")
    plan: str
    approver: str
    requester: str
    at: datetime = time_column()


class OverrideRow(SQLModel, table=True):
    __tablename__ = "overrides"
    __table_args__ = (UniqueConstraint("rollout", "check"),)

    id: int | None = Field(default=None, primary_key=True)
    rollout: str = Field(index=True, foreign_key="rollouts.id")
    check: str
    actor: str
    reason: str
    at: datetime = time_column()


class VerdictRow(SQLModel, table=True):
    __tablename__ = "verdicts"

    id: int | None = Field(default=None, primary_key=True)
    rollout: str = Field(index=True, foreign_key="rollouts.id")
    stage: str
    outcome: str
    at: datetime = time_column()
    body: dict[str, Any] = json_column()


class RollbackRow(SQLModel, table=True):
    __tablename__ = "rollbacks"

    id: str = Field(primary_key=True)
    deployment: str = Field(index=True, foreign_key="deployments.name")
    state: str = Field(index=True)
    automatic: bool
    requested_at: datetime = time_column()
    body: dict[str, Any] = json_column()
