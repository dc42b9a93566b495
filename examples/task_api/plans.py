"""The demo's plan: honest, and small enough for minutes."""

from aftertune.values.plan import (
    CanaryStage,
    Comparison,
    Guardrail,
    GuardrailMetric,
    PairMetric,
    Plan,
    ShadowStage,
)

DEPLOYMENT = "task-api"


def demo_plan(candidate: str) -> Plan:
    """Margin 0.10, α 0.05 over two metrics; mirroring goes on in canary, so that pairs accumulate.

    Whatever the candidate's share, a guardrail decides after as many of its answers; half of the users give them soon.
    """
    return Plan(
        deployment=DEPLOYMENT,
        candidate=candidate,
        alpha=0.05,
        comparisons=(
            Comparison(metric=PairMetric.VALID_ANSWER, margin=0.10),
            Comparison(metric=PairMetric.AGREEMENT, margin=0.10),
        ),
        guardrails=(
            Guardrail(metric=GuardrailMetric.ERRORS, limit=0.05, alpha=0.05),
            Guardrail(metric=GuardrailMetric.INVALID_ANSWERS, limit=0.10, alpha=0.05),
        ),
        shadow=ShadowStage(mirror=1.0, min_pairs=40, deadline_s=600),
        canary=CanaryStage(share=0.5, mirror=1.0, min_answers=40, deadline_s=600),
        evaluations=("tool_calls",),
    )
