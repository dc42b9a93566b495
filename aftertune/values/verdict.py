"""From measurement to verdict. "Could not measure" is never "bad", and never "good"."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aftertune.values.value import Value


class Outcome(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Measurement(Value):
    """One check on one stage. For a comparison the estimate is candidate − stable (or agreement), for a guardrail a rate.

    `low` and `high` bound the estimate at confidence 1 − alpha at every look; they are None when nothing was measured.
    """

    check: str = Field(description="comparison or guardrail")
    metric: str
    outcome: Outcome
    n: int = Field(ge=0)
    estimate: float | None
    low: float | None
    high: float | None
    limit: float = Field(
        description="what a comparison's interval must stay above, and a guardrail's rate below"
    )
    alpha: float
    reason: str


class Verdict(Value):
    """The judge's word on a rollout's stage. `evidence` is the digest of exactly what was judged."""

    outcome: Outcome
    rollout: str
    stage: str
    release: str
    baseline: str
    measurements: tuple[Measurement, ...]
    waived: tuple[str, ...] = ()
    plan: str = Field(description="digest of the plan")
    evidence: str
    judge_version: str
    at: datetime

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(m.reason for m in self.measurements if m.outcome is self.outcome)
