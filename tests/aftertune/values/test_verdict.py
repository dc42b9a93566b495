"""A verdict's reasons are those of the measurements that decided."""

from aftertune.values.rollback import RollbackState
from aftertune.values.verdict import Measurement, Outcome, Verdict
from tests.aftertune.samples import AT


def measured(outcome: Outcome, reason: str) -> Measurement:
    return Measurement(
        check="comparison",
        metric="agreement",
        outcome=outcome,
        n=10,
        estimate=0.9,
        low=0.8,
        high=1.0,
        limit=0.9,
        alpha=0.05,
        reason=reason,
    )


def verdict(outcome: Outcome) -> Verdict:
    return Verdict(
        outcome=outcome,
        rollout="r1",
        stage="shadow",
        release="v2",
        baseline="v1",
        measurements=(
            measured(Outcome.FAIL, "worse"),
            measured(Outcome.PASS, "fine"),
            measured(Outcome.FAIL, "slower"),
        ),
        plan="p",
        evidence="e",
        judge_version="1",
        at=AT,
    )


def test_reasons_are_those_that_decided() -> None:
    assert verdict(Outcome.FAIL).reasons == ("worse", "slower")
    assert verdict(Outcome.PASS).reasons == ("fine",)
    assert verdict(Outcome.ERROR).reasons == ()


def test_a_rollback_ends_completed_partial_or_failed() -> None:
    final = {state for state in RollbackState if state.final}
    assert final == {RollbackState.COMPLETED, RollbackState.PARTIAL, RollbackState.FAILED}
