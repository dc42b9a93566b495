"""The tables. Rooms compute with frozen values; rows are made and read only at the store's edge.

Structured values are kept as JSON beside the columns that queries need.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, DateTime, Dialect, Index, LargeBinary, UniqueConstraint
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in, aware UTC out, on databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime cannot be stored: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _time(nullable: bool = False, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(UtcDateTime, nullable=nullable, index=index))


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


class UserRow(SQLModel, table=True):
    __tablename__ = "users"

    name: str = Field(primary_key=True)
    roles: list[str] = _json()
    token_hash: str = Field(unique=True)
    created_at: datetime = _time()
    disabled_at: datetime | None = _time(nullable=True)


class SessionRow(SQLModel, table=True):
    """A signed-in browser; only the hash of its cookie is kept."""

    __tablename__ = "sessions"

    cookie_hash: str = Field(primary_key=True)
    user: str = Field(foreign_key="users.name")
    csrf_token: str
    expires_at: datetime = _time()


class ReleaseRow(SQLModel, table=True):
    __tablename__ = "releases"

    id: str = Field(primary_key=True)
    state: str = Field(index=True)
    created_at: datetime = _time()
    body: dict[str, Any] = _json()


class QuarantineRow(SQLModel, table=True):
    __tablename__ = "quarantines"

    id: int | None = Field(default=None, primary_key=True)
    release: str = Field(index=True, foreign_key="releases.id")
    reason: str
    at: datetime = _time()
    lifted_by: str | None = None
    lifted_at: datetime | None = _time(nullable=True)


class EngineRow(SQLModel, table=True):
    __tablename__ = "engines"

    release: str = Field(primary_key=True, foreign_key="releases.id")
    body: dict[str, Any] = _json()


class DeploymentRow(SQLModel, table=True):
    """`generation` is the compare-and-swap column: every change is `UPDATE … WHERE generation = seen`."""

    __tablename__ = "deployments"

    name: str = Field(primary_key=True)
    generation: int
    body: dict[str, Any] = _json()


class PromotionRow(SQLModel, table=True):
    """Which release became stable when: rollback targets come only from here."""

    __tablename__ = "promotions"
    __table_args__ = (UniqueConstraint("deployment", "generation"),)

    id: int | None = Field(default=None, primary_key=True)
    deployment: str = Field(index=True, foreign_key="deployments.name")
    release: str = Field(foreign_key="releases.id")
    generation: int
    at: datetime = _time()


class RolloutRow(SQLModel, table=True):
    __tablename__ = "rollouts"

    id: str = Field(primary_key=True)
    deployment: str = Field(index=True, foreign_key="deployments.name")
    requester: str
    state: str = Field(index=True)
    created_at: datetime = _time()
    body: dict[str, Any] = _json()


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
    at: datetime = _time()


class OverrideRow(SQLModel, table=True):
    __tablename__ = "overrides"
    __table_args__ = (UniqueConstraint("rollout", "check"),)

    id: int | None = Field(default=None, primary_key=True)
    rollout: str = Field(index=True, foreign_key="rollouts.id")
    check: str
    actor: str
    reason: str
    at: datetime = _time()


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
    arrival: datetime = _time()
    body: dict[str, Any] = _json()


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
    at: datetime = _time()
    scores: dict[str, Any] = _json()


class PairRow(SQLModel, table=True):
    __tablename__ = "pairs"
    __table_args__ = (
        Index("ix_pairs_releases_at", "deployment", "candidate_release", "stable_release", "at"),
    )

    pair_id: str = Field(primary_key=True)
    deployment: str
    stable_release: str
    candidate_release: str
    at: datetime = _time()
    body: dict[str, Any] = _json()


class VerdictRow(SQLModel, table=True):
    __tablename__ = "verdicts"

    id: int | None = Field(default=None, primary_key=True)
    rollout: str = Field(index=True, foreign_key="rollouts.id")
    stage: str
    outcome: str
    at: datetime = _time()
    body: dict[str, Any] = _json()


class RollbackRow(SQLModel, table=True):
    __tablename__ = "rollbacks"

    id: str = Field(primary_key=True)
    deployment: str = Field(index=True, foreign_key="deployments.name")
    state: str = Field(index=True)
    automatic: bool
    requested_at: datetime = _time()
    body: dict[str, Any] = _json()


class RouterRow(SQLModel, table=True):
    __tablename__ = "routers"

    name: str = Field(primary_key=True)
    lease_until: datetime = _time()
    body: dict[str, Any] = _json()


class RoutingTableRow(SQLModel, table=True):
    __tablename__ = "routing_tables"

    revision: int = Field(primary_key=True)
    at: datetime = _time()
    body: dict[str, Any] = _json()


class LeaseRow(SQLModel, table=True):
    """One holder at a time may act as the named thing."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    until: datetime = _time()


class SpoolPositionRow(SQLModel, table=True):
    """How far a segment was ingested; written in the transaction that stores its exchanges."""

    __tablename__ = "spool_positions"

    router: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    next_offset: int


class IdempotencyRow(SQLModel, table=True):
    __tablename__ = "idempotency_keys"

    key: str = Field(primary_key=True)
    actor: str
    act: str
    subject: str
    at: datetime = _time()


class AuditRow(SQLModel, table=True):
    __tablename__ = "audit"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = _time()
    actor: str
    action: str
    subject: str
    body: str
    prev_hash: str
    hash: str = Field(unique=True)
