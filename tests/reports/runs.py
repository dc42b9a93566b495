"""Evaluation runs of a full week."""

from datetime import datetime, timedelta

from aftertune.store import Transaction
from aftertune.values.evaluation import (
    Better,
    Bound,
    Budget,
    Difference,
    EvaluationRun,
    Forgotten,
    Gate,
    RunState,
    Score,
    Signature,
    Trigger,
    Unmeasured,
)
from aftertune.values.watch import Alarm, Outcome, Reading


def add_runs(tx: Transaction, at: datetime, hostile: str) -> None:
    """One that failed its gate, one that still waits, and a night that fell."""
    signature = Signature(
        suite="forgetting",
        suite_version="1",
        dataset="da" * 32,
        scorers={"exact": "1"},
        release="v3",
        weights="ce" * 32,
        baselines={"base": "ba" * 32},
        roles={"base": "base"},
        seed=7,
        decoding={"temperature": 0},
        versions={"openai": "2.0"},
    )
    run = EvaluationRun(
        id="ev-1",
        suite="forgetting",
        release="v3",
        trigger=Trigger.REGISTRATION,
        state=RunState.FAILED,
        reason="The gate on accuracy is not met.",
        requested_by="evals",
        requested_at=at,
        started_at=at,
        ended_at=at + timedelta(minutes=2),
        samples=40,
        done=40,
        signature=signature,
        scores=(
            Score(
                metric="accuracy",
                scorer="exact",
                n=38,
                unmeasured=2,
                estimate=0.8421,
                low=0.6958,
                high=0.9256,
                method="Wilson score",
                smallest_detectable=0.21,
            ),
            Score(
                metric="perplexity",
                scorer="loss",
                better=Better.LOWER,
                n=40,
                estimate=12.5,
                low=11.0,
                high=14.0,
                clusters=8,
                smallest_detectable=2.1,
                method="bootstrap of clusters",
                signature="exp(nats/tokens)",
            ),
            Score(
                metric="faithfulness",
                scorer="judge",
                n=0,
                unmeasured=40,
                estimate=None,
                low=None,
                high=None,
                method="bootstrap",
                detail="no judge model is set",
            ),
        ),
        differences=(
            Difference(
                metric="accuracy",
                baseline="base",
                n=38,
                estimate=-0.0526,
                low=-0.14,
                high=0.03,
                smallest_detectable=0.11,
                method="paired t",
                flipped_down=tuple(f"s{n:02d}" for n in range(12)),
            ),
        ),
        gates=(
            Gate(
                metric="accuracy",
                bound=Bound.DIFFERENCE_LOW,
                limit=-0.1,
                value=-0.14,
                passed=False,
                baseline="base",
                reason=hostile,
            ),
            Gate(
                metric="perplexity",
                bound=Bound.SCORE_HIGH,
                limit=15.0,
                value=14.0,
                passed=True,
                reason="holds",
            ),
        ),
        budgets=(
            Budget(
                skill="facts",
                metric="accuracy/facts",
                baseline="base",
                margin=0.05,
                spent=0.0526,
                spent_at_most=0.14,
                left=-0.0026,
                n=38,
                smallest_detectable=0.11,
                state=Forgotten.UNKNOWN,
            ),
        ),
        unmeasured=(Unmeasured(release="v3", reason=hostile, samples=2),),
    )
    tx.evaluations.add(run)
    tx.evaluations.add(_night(run, at + timedelta(hours=20)))
    tx.evaluations.add(
        run.model_copy(
            update={
                "id": "ev-2",
                "state": RunState.QUEUED,
                "scores": (),
                "gates": (),
                "differences": (),
                "signature": None,
                "samples": 0,
                "ended_at": None,
            }
        )
    )


def _night(run: EvaluationRun, at: datetime) -> EvaluationRun:
    """The nightly watch found that accuracy fell."""
    alarm = Alarm(
        metric="accuracy",
        run="ev-night",
        nights=1,
        n=38,
        estimate=-0.12,
        low=-0.2,
        high=-0.04,
        bound=1e-5,
        level=1e-4,
    )
    watch = Reading(
        outcome=Outcome.ALARM,
        run="ev-night",
        reference="ev-1",
        nights=3,
        metrics=("accuracy",),
        alarm=alarm,
        reason="accuracy changed by -0.120 on 38 samples over 1 night up to run ev-night.",
    )
    nightly = {
        "id": "ev-night",
        "release": "v1",
        "deployment": "tasks",
        "trigger": Trigger.NIGHTLY,
        "state": RunState.SUCCESSFUL,
        "reason": "",
        "requested_at": at,
        "ended_at": at + timedelta(minutes=2),
        "scores": (),
        "differences": (),
        "gates": (),
        "budgets": (),
        "unmeasured": (),
        "watch": watch,
    }
    return run.model_copy(update=nightly)
