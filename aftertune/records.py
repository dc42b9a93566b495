"""The tables. Rooms compute with frozen values; rows are made and read only at the store's edge.

Structured values are kept as JSON beside the columns that queries need.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from aftertune.columns import UtcDateTime, json_column, time_column


class UserRow(SQLModel, table=True):
    __tablename__ = "users"

    name: str = Field(primary_key=True)
    roles: list[str] = json_column()
    token_hash: str = Field(unique=True)
    created_at: datetime = time_column()
    disabled_at: datetime | None = time_column(nullable=True)


class SessionRow(SQLModel, table=True):
    """A signed-in browser; only the hash of its cookie is kept."""

    __tablename__ = "sessions"

    cookie_hash: str = Field(primary_key=True)
    user: str = Field(foreign_key="users.name")
    csrf_token: str
    expires_at: datetime = time_column()


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


class RouterRow(SQLModel, table=True):
    __tablename__ = "routers"

    name: str = Field(primary_key=True)
    lease_until: datetime = time_column()
    body: dict[str, Any] = json_column()


class RoutingTableRow(SQLModel, table=True):
    __tablename__ = "routing_tables"

    revision: int = Field(primary_key=True)
    at: datetime = time_column()
    body: dict[str, Any] = json_column()


class LeaseRow(SQLModel, table=True):
    """One holder at a time may act as the named thing."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    until: datetime = time_column()


class SpoolPositionRow(SQLModel, table=True):
    """How far a segment was ingested; written in the transaction that stores its exchanges."""

    __tablename__ = "spool_positions"

    router: str = Field(primary_key=True)
    segment: str = Field(primary_key=True)
    next_offset: int = Field(sa_column=Column(BigInteger, nullable=False))


class IdempotencyRow(SQLModel, table=True):
    __tablename__ = "idempotency_keys"

    key: str = Field(primary_key=True)
    actor: str
    act: str
    subject: str
    at: datetime = time_column()


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


class SlotRow(SQLModel, table=True):
    """The ledger of scheduled work: whoever inserts (job, slot) does it, everybody else does not."""

    __tablename__ = "slots"

    job: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    holder: str
    at: datetime = time_column()


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


class TrainingRow(SQLModel, table=True):
    __tablename__ = "training_jobs"

    id: str = Field(primary_key=True)
    release: str
    state: str
    started_at: datetime = time_column()
    body: dict[str, Any] = json_column()


class AlertRow(SQLModel, table=True):
    __tablename__ = "alerts"

    fingerprint: str = Field(primary_key=True)
    starts_at: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    ends_at: datetime | None = time_column(nullable=True)
    body: dict[str, Any] = json_column()


class ApiKeyRow(SQLModel, table=True):
    """A credential of an application; only its hash is kept."""

    __tablename__ = "api_keys"

    name: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    created_at: datetime = time_column()
    expires_at: datetime | None = time_column(nullable=True)
    revoked_at: datetime | None = time_column(nullable=True)
    body: dict[str, Any] = json_column()


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
