"""What the controller does next, as a table and as properties."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.deployment import Deployment
from aftertune.values.evaluation import RunState
from aftertune.values.plan import CanaryStage, ShadowStage
from aftertune.values.release import EngineState
from aftertune.values.rollout import Approval, Override, Rollout, RolloutState, Stage
from aftertune.values.route import Mode
from aftertune.values.verdict import Measurement, Outcome, Verdict
from monitor.decide import Candidate, Decision, Suite, decide
from tests.aftertune.samples import AT, plan, rollout

PLAN = plan(shadow=ShadowStage(deadline_s=100), canary=CanaryStage(min_answers=10, deadline_s=100))
TWO = ("ada", "ben")
WELL = Candidate(quarantine=None, engine=EngineState.READY)


def the_rollout(*approvers: str, waived: bool = False, **changes: Any) -> Rollout:
    overrides = (Override(check="comparison", actor="ada", reason="known", at=AT),) if waived else ()
    approvals = tuple(Approval(approver=name, plan=PLAN.digest(), at=AT) for name in approvers)
    return rollout(plan=PLAN, approvals=approvals, overrides=overrides, **changes)


def deployment(stage: Stage, frozen: str = "", on: str | None = "r1") -> Deployment:
    mode = Mode.SHADOW if stage is Stage.SHADOW else Mode.CANARY
    return Deployment(
        name="tasks", generation=2, stable="v1", candidate="v2", mode=mode, rollout=on, frozen=frozen
    )


def verdict(outcome: Outcome, stage: Stage, check: str = "comparison") -> Verdict:
    measurement = Measurement(
        check=check,
        metric="valid_answer",
        outcome=outcome,
        n=10,
        estimate=0.0,
        low=-0.1,
        high=0.1,
        limit=0.1,
        alpha=0.05,
        reason=f"{check} says {outcome}.",
    )
    return Verdict(
        outcome=outcome,
        rollout="r1",
        stage=stage,
        release="v2",
        baseline="v1",
        measurements=(measurement,),
        plan=PLAN.digest(),
        evidence="0" * 64,
        judge_version="1",
        at=AT,
    )


RUNNING, HELD = RolloutState.RUNNING, RolloutState.HELD
PASS, FAIL, OPEN, ERROR = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.ERROR


@pytest.mark.parametrize(
    ("state", "outcome", "approvers", "waived", "frozen", "late", "decision"),
    [
        (RUNNING, OPEN, TWO, False, "", False, Decision.WAIT),
        (RUNNING, ERROR, TWO, False, "", False, Decision.WAIT),
        (RUNNING, OPEN, TWO, False, "", True, Decision.HOLD),
        (RUNNING, ERROR, TWO, False, "", True, Decision.HOLD),
        (RUNNING, FAIL, TWO, False, "", False, Decision.HOLD),
        (RUNNING, PASS, TWO, False, "", False, Decision.START_CANARY),
        (RUNNING, PASS, TWO, False, "", True, Decision.START_CANARY),
        (RUNNING, PASS, TWO[:1], False, "", True, Decision.WAIT),
        (RUNNING, PASS, ("olga", "ada"), False, "", False, Decision.WAIT),
        (RUNNING, PASS, ("ada", "ada"), False, "", False, Decision.WAIT),
        (RUNNING, PASS, TWO, False, "audit week", False, Decision.WAIT),
        (HELD, PASS, TWO, False, "", False, Decision.WAIT),
        (HELD, FAIL, TWO, False, "", False, Decision.WAIT),
        (HELD, FAIL, TWO, True, "", False, Decision.START_CANARY),
        (HELD, FAIL, TWO[:1], True, "", False, Decision.WAIT),
        (HELD, FAIL, TWO, True, "audit week", False, Decision.WAIT),
        (RUNNING, OPEN, TWO, True, "", False, Decision.START_CANARY),
    ],
)
def test_in_shadow(
    state: RolloutState,
    outcome: Outcome,
    approvers: tuple[str, ...],
    waived: bool,
    frozen: str,
    late: bool,
    decision: Decision,
) -> None:
    now = AT + timedelta(seconds=100 if late else 99)

    decided = decide(
        the_rollout(*approvers, waived=waived, state=state),
        deployment(Stage.SHADOW, frozen),
        verdict(outcome, Stage.SHADOW),
        WELL,
        0,
        now,
    )

    assert decided.decision is decision
    assert decided.reason


@pytest.mark.parametrize(
    ("state", "outcome", "check", "answers", "waived", "frozen", "late", "decision"),
    [
        (RUNNING, FAIL, "guardrail", 5, False, "", False, Decision.ROLL_BACK),
        (RUNNING, FAIL, "guardrail", 5, True, "", False, Decision.ROLL_BACK),
        (RUNNING, FAIL, "guardrail", 5, False, "audit week", False, Decision.ROLL_BACK),
        (HELD, FAIL, "guardrail", 5, False, "", True, Decision.ROLL_BACK),
        (RUNNING, FAIL, "comparison", 5, False, "", False, Decision.ROLL_BACK),
        (RUNNING, FAIL, "comparison", 5, True, "", False, Decision.WAIT),
        (RUNNING, PASS, "comparison", 10, False, "", False, Decision.PROMOTE),
        (RUNNING, PASS, "comparison", 10, False, "", True, Decision.PROMOTE),
        (RUNNING, PASS, "comparison", 9, False, "", False, Decision.WAIT),
        (RUNNING, PASS, "comparison", 9, False, "", True, Decision.HOLD),
        (RUNNING, PASS, "comparison", 10, False, "audit week", True, Decision.WAIT),
        (RUNNING, OPEN, "comparison", 99, False, "", False, Decision.WAIT),
        (RUNNING, OPEN, "comparison", 99, False, "", True, Decision.HOLD),
        (RUNNING, ERROR, "comparison", 99, False, "", True, Decision.HOLD),
        (HELD, PASS, "comparison", 99, True, "", True, Decision.WAIT),
    ],
)
def test_in_canary(
    state: RolloutState,
    outcome: Outcome,
    check: str,
    answers: int,
    waived: bool,
    frozen: str,
    late: bool,
    decision: Decision,
) -> None:
    now = AT + timedelta(seconds=100 if late else 99)

    decided = decide(
        the_rollout(*TWO, waived=waived, state=state, stage=Stage.CANARY),
        deployment(Stage.CANARY, frozen),
        verdict(outcome, Stage.CANARY, check),
        WELL,
        answers,
        now,
    )

    assert decided.decision is decision


@pytest.mark.parametrize("state", [s for s in RolloutState if s not in (RUNNING, HELD)])
def test_a_rollout_that_has_ended_is_left_alone(state: RolloutState) -> None:
    ended = the_rollout(*TWO, state=state)

    decided = decide(ended, deployment(Stage.SHADOW), verdict(PASS, Stage.SHADOW), WELL, 99, AT)

    assert decided.decision is Decision.WAIT


def test_a_deployment_that_has_moved_on_is_left_alone() -> None:
    elsewhere = deployment(Stage.CANARY, on="r2")
    canary = the_rollout(*TWO, stage=Stage.CANARY)

    decided = decide(canary, elsewhere, verdict(FAIL, Stage.CANARY, "guardrail"), WELL, 99, AT)

    assert decided.decision is Decision.WAIT


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (Candidate("leaks", EngineState.READY), "v2 is in quarantine: leaks."),
        (Candidate(None, EngineState.FAILED), "The engine of v2 is failed."),
        (Candidate(None, None), "The engine of v2 is not running."),
    ],
)
def test_a_candidate_that_cannot_serve_waits_with_the_reason(candidate: Candidate, reason: str) -> None:
    decided = decide(
        the_rollout(*TWO), deployment(Stage.SHADOW), verdict(PASS, Stage.SHADOW), candidate, 0, AT
    )

    assert decided == (Decision.WAIT, f"comparison says pass. {reason}")


@pytest.mark.parametrize("state", [RUNNING, HELD])
def test_a_canary_in_quarantine_goes_back(state: RolloutState) -> None:
    canary = the_rollout(*TWO, state=state, stage=Stage.CANARY)
    quarantined = Candidate("leaks", EngineState.READY)

    decided = decide(canary, deployment(Stage.CANARY), verdict(PASS, Stage.CANARY), quarantined, 99, AT)

    assert decided == (Decision.ROLL_BACK, "v2 is in quarantine: leaks.")


def suites(*states: RunState | None) -> tuple[Suite, ...]:
    return tuple(Suite(f"s{n}", state, f"It is {state}.") for n, state in enumerate(states))


@pytest.mark.parametrize(
    ("states", "outcome", "answers", "late", "decision", "said"),
    [
        ((RunState.SUCCESSFUL,), PASS, 10, False, Decision.PROMOTE, "10 answers to users."),
        ((RunState.SUCCESSFUL, RunState.RUNNING), PASS, 10, False, Decision.WAIT, "The suite s1 is running."),
        ((None,), PASS, 10, False, Decision.WAIT, "The suite s0 is not begun."),
        ((RunState.QUEUED,), PASS, 10, True, Decision.HOLD, "No decision after 100 s in canary."),
        ((RunState.ERROR,), PASS, 10, False, Decision.WAIT, "The suite s0 is error. It is error."),
        ((RunState.ERROR,), PASS, 10, True, Decision.HOLD, "The suite s0 is error. It is error."),
        ((RunState.SUCCESSFUL, RunState.FAILED), PASS, 10, False, Decision.HOLD, "The suite s1 failed."),
        ((RunState.FAILED, RunState.RUNNING), OPEN, 3, False, Decision.HOLD, "The suite s0 failed."),
        ((RunState.SUCCESSFUL,), PASS, 9, False, Decision.WAIT, "comparison says pass."),
        ((RunState.FAILED,), FAIL, 3, False, Decision.ROLL_BACK, "comparison says fail."),
    ],
)
def test_the_suites_of_the_plan_come_before_promotion(
    states: tuple[RunState | None, ...],
    outcome: Outcome,
    answers: int,
    late: bool,
    decision: Decision,
    said: str,
) -> None:
    canary = the_rollout(*TWO, stage=Stage.CANARY)
    candidate = WELL._replace(suites=suites(*states))
    now = AT + timedelta(seconds=100 if late else 99)

    decided = decide(
        canary, deployment(Stage.CANARY), verdict(outcome, Stage.CANARY), candidate, answers, now
    )

    assert decided.decision is decision
    assert said in decided.reason


def test_a_suite_that_failed_does_not_stop_a_canary_from_beginning() -> None:
    candidate = WELL._replace(suites=suites(RunState.FAILED))

    decided = decide(
        the_rollout(*TWO), deployment(Stage.SHADOW), verdict(PASS, Stage.SHADOW), candidate, 0, AT
    )

    assert decided.decision is Decision.START_CANARY


@given(
    state=st.sampled_from([RUNNING, HELD]),
    stage=st.sampled_from(list(Stage)),
    outcome=st.sampled_from(list(Outcome)),
    check=st.sampled_from(["comparison", "guardrail"]),
    approvers=st.lists(st.sampled_from(["olga", "ada", "ben"]), max_size=3),
    waived=st.booleans(),
    frozen=st.sampled_from(["", "audit week"]),
    answers=st.integers(0, 20),
    seconds=st.integers(0, 200),
    quarantine=st.sampled_from([None, "", "leaks"]),
    engine=st.none() | st.sampled_from(list(EngineState)),
    ran=st.lists(st.none() | st.sampled_from(list(RunState)), max_size=2),
)
def test_forward_only_when_approved_unfrozen_and_passed_or_waived(
    state: RolloutState,
    stage: Stage,
    outcome: Outcome,
    check: str,
    approvers: list[str],
    waived: bool,
    frozen: str,
    answers: int,
    seconds: int,
    quarantine: str | None,
    engine: EngineState | None,
    ran: list[RunState | None],
) -> None:
    subject = the_rollout(*approvers, waived=waived, state=state, stage=stage)
    now = AT + timedelta(seconds=seconds)

    candidate = Candidate(quarantine, engine, suites(*ran))
    judged = verdict(outcome, stage, check)

    decided = decide(subject, deployment(stage, frozen), judged, candidate, answers, now)

    if decided.decision in (Decision.START_CANARY, Decision.PROMOTE):
        assert {"ada", "ben"} <= set(approvers)
        assert not frozen
        assert (quarantine, engine) == WELL[:2]
        assert outcome is PASS or (waived and stage is Stage.SHADOW)
    if decided.decision is Decision.PROMOTE:
        assert set(ran) <= {RunState.SUCCESSFUL}
    if decided.decision is Decision.ROLL_BACK:
        assert outcome is FAIL or quarantine is not None
        assert stage is Stage.CANARY
    harmful = quarantine is not None or (outcome is FAIL and check == "guardrail")
    if stage is Stage.CANARY and harmful:
        assert decided.decision is Decision.ROLL_BACK
