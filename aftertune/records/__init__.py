"""The tables. Rooms compute with frozen values; rows are made and read only at the store's edge.

Structured values are kept as JSON beside the columns that queries need. Importing this package declares every table.
"""

from aftertune.records.deployments import (
    ApprovalRow,
    DeploymentRow,
    OverrideRow,
    PromotionRow,
    RollbackRow,
    RolloutRow,
    VerdictRow,
)
from aftertune.records.drift import DriftReadingRow, DriftWatchRow, EmbeddingRow
from aftertune.records.evaluations import EvaluationRow, SampleRow, SuiteRow
from aftertune.records.operations import AlertRow, AuditRow, IdempotencyRow, SlotRow
from aftertune.records.people import ApiKeyRow, SessionRow, UserRow
from aftertune.records.releases import EngineRow, QuarantineRow, ReleaseRow
from aftertune.records.reports import ReportRow, SignOffRow
from aftertune.records.reviews import CampaignRow, ClaimRow, QuestionRow, RatingRow, ReviewItemRow
from aftertune.records.routing import LeaseRow, RouterRow, RoutingTableRow
from aftertune.records.traffic import (
    AnswerRow,
    ExchangeRow,
    FeedbackRow,
    GapRow,
    PairRow,
    PayloadRow,
    SpoolPositionRow,
)
from aftertune.records.training import TrainingRow

__all__ = [
    "AlertRow",
    "AnswerRow",
    "ApiKeyRow",
    "ApprovalRow",
    "AuditRow",
    "CampaignRow",
    "ClaimRow",
    "DeploymentRow",
    "DriftReadingRow",
    "DriftWatchRow",
    "EmbeddingRow",
    "EngineRow",
    "EvaluationRow",
    "ExchangeRow",
    "FeedbackRow",
    "GapRow",
    "IdempotencyRow",
    "LeaseRow",
    "OverrideRow",
    "PairRow",
    "PayloadRow",
    "PromotionRow",
    "QuarantineRow",
    "QuestionRow",
    "RatingRow",
    "ReleaseRow",
    "ReportRow",
    "ReviewItemRow",
    "RollbackRow",
    "RolloutRow",
    "RouterRow",
    "RoutingTableRow",
    "SampleRow",
    "SessionRow",
    "SignOffRow",
    "SlotRow",
    "SpoolPositionRow",
    "SuiteRow",
    "TrainingRow",
    "UserRow",
    "VerdictRow",
]
