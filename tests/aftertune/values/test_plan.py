"""A plan cannot exist unarmed, and its digest is what people approve."""

from typing import Any

import pytest
from pydantic import ValidationError

from aftertune.values.plan import (
    CanaryStage,
    Comparison,
    Guardrail,
    GuardrailMetric,
    PairMetric,
    Plan,
    ShadowStage,
)
from aftertune.values.rollout import Approval, Rollout
from tests.aftertune.samples import AT, plan, rollout

COMPARISON = Comparison(metric=PairMetric.AGREEMENT, margin=0.1)
GUARDRAIL = Guardrail(metric=GuardrailMetric.ERRORS, limit=0.05)


@pytest.mark.parametrize("unarmed", ["comparisons", "guardrails"])
def test_a_plan_needs_a_comparison_and_a_guardrail(unarmed: str) -> None:
    with pytest.raises(ValidationError, match=unarmed):
        plan(**{unarmed: ()})


@pytest.mark.parametrize(
    ("field", "doubled"),
    [
        ("comparisons", (COMPARISON, Comparison(metric=PairMetric.AGREEMENT, margin=0.2))),
        ("guardrails", (GUARDRAIL, Guardrail(metric=GuardrailMetric.ERRORS, limit=0.5))),
    ],
)
def test_a_metric_is_listed_once(field: str, doubled: tuple[Any, Any]) -> None:
    with pytest.raises(ValidationError, match="listed twice"):
        plan(**{field: doubled})


def test_unknown_metrics_list_the_known() -> None:
    with pytest.raises(ValidationError, match=r"valid_answer.*agreement"):
        Comparison.model_validate({"metric": "bleu", "margin": 0.1})
    with pytest.raises(ValidationError, match=r"errors.*invalid_answers"):
        Guardrail.model_validate({"metric": "toxicity", "limit": 0.1})


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Comparison, {"metric": "agreement", "margin": 0.0}),
        (Comparison, {"metric": "agreement", "margin": 1.0}),
        (Comparison, {"metric": "agreement", "margin": float("nan")}),
        (Guardrail, {"metric": "errors", "limit": 0.0}),
        (Guardrail, {"metric": "errors", "limit": 0.1, "min_answers": 0}),
        (Guardrail, {"metric": "errors", "limit": 0.1, "alpha": 1.0}),
        (ShadowStage, {"mirror": 0.0}),
        (ShadowStage, {"min_pairs": 0}),
        (ShadowStage, {"deadline_s": 0}),
        (ShadowStage, {"pairs": 10}),
        (CanaryStage, {"share": 0.0}),
        (CanaryStage, {"share": 0.51}),
        (CanaryStage, {"mirror": 1.1}),
        (CanaryStage, {"min_answers": 0}),
    ],
)
def test_values_out_of_range_are_refused(kind: type[Plan], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(values)


@pytest.mark.parametrize("alpha", [0.0, 0.5, -0.1])
def test_alpha_is_below_one_half(alpha: float) -> None:
    with pytest.raises(ValidationError):
        plan(alpha=alpha)


def test_digest_is_stable_across_versions_of_the_program() -> None:
    """A changed digest would silently void every approval that is stored."""
    assert plan().digest() == "e5e1cc1d5305c3278761d1a28831c2f3da55c13dbe434cc8b5e346499b21b87f"


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0.04},
        {"candidate": "v3"},
        {"deployment": "plants"},
        {"comparisons": (COMPARISON,)},
        {"guardrails": (Guardrail(metric=GuardrailMetric.ERRORS, limit=0.06),)},
        {"shadow": ShadowStage(min_pairs=201)},
        {"canary": CanaryStage(share=0.06)},
    ],
)
def test_any_change_is_another_plan(change: dict[str, Any]) -> None:
    assert plan(**change).digest() != plan().digest()


def test_a_plan_survives_json_and_cannot_be_changed() -> None:
    assert Plan.model_validate_json(plan().model_dump_json()) == plan()
    with pytest.raises(ValidationError, match="frozen"):
        plan().alpha = 0.4  # type: ignore[misc]


def approved_by(*approvers: str, digest: str = "") -> Rollout:
    digest = digest or plan().digest()
    return rollout(approvals=tuple(Approval(approver=who, plan=digest, at=AT) for who in approvers))


@pytest.mark.parametrize(
    ("case", "approved"),
    [
        (approved_by(), False),
        (approved_by("anna"), False),
        (approved_by("anna", "anna"), False),
        (approved_by("anna", "olga"), False),
        (approved_by("anna", "bert"), True),
        (approved_by("anna", "bert", "olga"), True),
        (approved_by("anna", "bert", digest=plan(alpha=0.01).digest()), False),
    ],
    ids=["nobody", "one", "one twice", "one and the requester", "two", "two and more", "another plan"],
)
def test_two_other_people_approve_exactly_this_plan(case: Rollout, approved: bool) -> None:
    assert case.approved is approved
