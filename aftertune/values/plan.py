"""What a rollout may do by itself. People approve a plan by its digest; the controller never leaves it."""

from enum import StrEnum

from pydantic import Field, model_validator

from aftertune.values.value import Value

COMPARISON = "comparison"
"""The one check that an override can waive."""


class PairMetric(StrEnum):
    """Scores of a pair, each in [0, 1], that a plan can compare (see `monitor.pairs`)."""

    VALID_ANSWER = "valid_answer"
    AGREEMENT = "agreement"


class GuardrailMetric(StrEnum):
    """Rates of bad answers, judged on the candidate alone (see `monitor.judge`)."""

    ERRORS = "errors"
    INVALID_ANSWERS = "invalid_answers"


class Comparison(Value):
    """The candidate may be worse than stable by at most `margin` (on the metric's own scale, [0, 1])."""

    metric: PairMetric
    margin: float = Field(gt=0, lt=1)


class Guardrail(Value):
    """The rate of bad answers may not exceed `limit`; acting needs at least `min_answers`."""

    metric: GuardrailMetric
    limit: float = Field(gt=0, lt=1)
    min_answers: int = Field(default=5, ge=1)
    alpha: float = Field(
        default=0.01, gt=0, lt=1, description="chance of ever acting on a candidate at the limit"
    )


class ShadowStage(Value):
    mirror: float = Field(default=1.0, gt=0, le=1)
    min_pairs: int = Field(default=200, ge=1, description="pairs before a comparison can pass")
    min_pairs_to_fail: int = Field(
        default=20, ge=1, description="pairs before it can fail: the first few may all be of one conversation"
    )
    deadline_s: float = Field(default=86_400, gt=0)


class CanaryStage(Value):
    share: float = Field(default=0.05, gt=0, le=0.5)
    mirror: float = Field(default=1.0, ge=0, le=1)
    min_answers: int = Field(default=100, ge=1, description="answers to real users before promotion")
    deadline_s: float = Field(default=86_400, gt=0)


class Plan(Value):
    """The whole journey of one candidate; refuses to exist without an armed comparison and an armed guardrail."""

    deployment: str
    candidate: str
    alpha: float = Field(
        default=0.05, gt=0, lt=0.5, description="error over all looks, split over the comparisons"
    )
    comparisons: tuple[Comparison, ...] = Field(min_length=1)
    guardrails: tuple[Guardrail, ...] = Field(min_length=1)
    shadow: ShadowStage = ShadowStage()
    canary: CanaryStage = CanaryStage()
    # Left out of the digest when empty: plans approved before the field existed stay approved.
    evaluations: tuple[str, ...] = Field(
        default=(),
        description="suites that the candidate must pass in canary, before promotion",
        exclude_if=lambda names: not names,
    )

    fall_back: bool = Field(
        default=False,
        description="once promoted, the previous good release answers while every engine of this one is down",
        exclude_if=lambda wanted: not wanted,
    )

    @model_validator(mode="after")
    def _no_metric_twice(self) -> "Plan":
        for names in (
            [c.metric for c in self.comparisons],
            [g.metric for g in self.guardrails],
            self.evaluations,
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"listed twice: {', '.join(names)}")
        return self
