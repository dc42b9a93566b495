"""Runs of suites: what was measured on a release, with everything needed to measure it again."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aftertune.values.value import Value


class Trigger(StrEnum):
    """Why a run was opened."""

    REGISTRATION = "registration"
    NIGHTLY = "nightly"
    BEFORE_PROMOTION = "before_promotion"
    BY_HAND = "by_hand"


class RunState(StrEnum):
    """queued → running → successful, failed (measured, and a gate is not met) or error (could not be measured)."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    ERROR = "error"

    @property
    def final(self) -> bool:
        return self in (RunState.SUCCESSFUL, RunState.FAILED, RunState.ERROR)


class Signature(Value):
    """What a score depends on: two runs with equal signatures measured the same thing in the same way."""

    suite: str
    suite_version: str
    dataset: str = Field(description="SHA-256 over the samples, in order")
    scorers: dict[str, str] = Field(description="scorer → version")
    release: str
    weights: str = Field(description="digest of the weights that answered; empty for an external engine")
    baseline: str = Field(default="", description="the release compared with")
    baseline_weights: str = ""
    seed: int
    decoding: dict[str, str | int | float]
    versions: dict[str, str] = Field(description="library → version")


class Score(Value):
    """One metric of one run. Unmeasured samples are counted, never scored; estimate is None when nothing was measured."""

    metric: str
    scorer: str
    n: int = Field(ge=0, description="samples measured: the denominator")
    unmeasured: int = Field(default=0, ge=0)
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float = Field(default=0.95, gt=0, lt=1)
    method: str = Field(description="of the interval")
    detail: str = Field(default="", description="why something is unmeasured, or what the number means")


class Difference(Value):
    """A paired comparison on the same samples: release − baseline. `smallest_detectable` at 80 % power, two-sided 5 %."""

    metric: str
    baseline: str
    n: int = Field(ge=0, description="pairs with both sides measured")
    unmeasured: int = Field(default=0, ge=0)
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float = Field(default=0.95, gt=0, lt=1)
    smallest_detectable: float | None
    method: str
    flipped_down: tuple[str, ...] = Field(
        default=(), description="samples the baseline got right, the release not"
    )
    flipped_up: tuple[str, ...] = ()


class Bound(StrEnum):
    """What a gate tests: the lower end of a score's interval, or of a difference's."""

    SCORE_LOW = "score_low"
    DIFFERENCE_LOW = "difference_low"


class Gate(Value):
    """A limit that a bound must not fall below. `passed` is None when it could not be measured."""

    metric: str
    bound: Bound
    limit: float
    value: float | None
    passed: bool | None
    reason: str


class SuiteCard(Value):
    """A suite as the evaluation room offers it."""

    name: str
    version: str
    description: str
    samples: int = Field(ge=0)
    dataset: str = Field(description="SHA-256 over the samples, in order")
    licence: str
    gates: tuple[str, ...] = Field(description="each gate in words")
    compares_with_base: bool = Field(description="needs a release of the same base without an adapter")


class EvaluationRun(Value):
    """One suite on one release."""

    id: str
    suite: str
    release: str
    deployment: str | None = None
    trigger: Trigger
    state: RunState
    reason: str = ""
    requested_by: str
    requested_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    samples: int = Field(default=0, ge=0)
    done: int = Field(default=0, ge=0)
    attempts: int = Field(default=0, ge=0, description="times it was started; a killed run is started again")
    signature: Signature | None = None
    scores: tuple[Score, ...] = ()
    differences: tuple[Difference, ...] = ()
    gates: tuple[Gate, ...] = ()


class SampleResult(Value):
    """One sample of one run, as answered by one release. A score of None is unmeasured; `error` says why."""

    run: str
    sample: str
    release: str
    answer: str = Field(description="text, or the tool calls as JSON: model output, hostile")
    scores: dict[str, float | None]
    error: str = ""
    latency_s: float | None = None


def before_promotion_run(rollout: str, suite: str) -> str:
    """The id of the one run that a rollout's plan asks for before promotion."""
    return f"before-promotion-{rollout}-{suite}"
