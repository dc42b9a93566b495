"""What there is to review: two runs of a suite whose questions are stored, beside the seeded rollout's pairs."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from aftertune.store import Store
from aftertune.values.evaluation import Answer, EvaluationRun, RunState, SampleResult, Signature, Trigger
from aftertune.values.exchange import ToolCall
from tests.console.seed import HOSTILE

RUN, OLDER_RUN = "ev-review", "ev-review-old"
SUITE = "questions"
DATASET = hashlib.sha256(SUITE.encode()).hexdigest()
QUESTION = f"Which \u202eanimal is this? {HOSTILE}"
SECOND_REVIEWER, THIRD_REVIEWER = "rachel", "rob"


def seed_reviewing(store: Store, at: datetime, samples: int = 8) -> None:
    """v3's answers, beside the base v0's in the same run; and v1's of a run before. s-0 has no question left."""
    with store.write() as tx:
        tx.questions.save(
            DATASET, {f"s-{n}": QUESTION if n == 1 else f"Question {n}" for n in range(1, samples)}
        )
        for run, release, baselines in ((RUN, "v3", {"v0": ""}), (OLDER_RUN, "v1", {})):
            tx.evaluations.add(_run(run, release, baselines, at))
            tx.evaluations.add_results(
                [
                    _result(run, name, n, right)
                    for name, right in (
                        (release, 1.0 if release == "v3" else 0.0),
                        *((b, 0.0) for b in baselines),
                    )
                    for n in range(samples)
                ]
            )


def _run(run: str, release: str, baselines: dict[str, str], at: datetime) -> EvaluationRun:
    return EvaluationRun(
        id=run,
        suite=SUITE,
        release=release,
        trigger=Trigger.BY_HAND,
        state=RunState.SUCCESSFUL,
        requested_by="operator",
        requested_at=at - timedelta(hours=1),
        samples=8,
        done=8,
        signature=Signature(
            suite=SUITE,
            suite_version="1",
            dataset=DATASET,
            scorers={"exact_match": "2"},
            release=release,
            weights="",
            baselines=baselines,
            seed=1,
            decoding={"temperature": 0},
            versions={},
        ),
    )


def _result(run: str, release: str, number: int, right: float) -> SampleResult:
    said: dict[str, Any] = {"text": HOSTILE if number == 1 else f"Answer {number} of nobody you know"}
    if number == 2:
        said = {"tool_calls": (ToolCall(name="create_task", arguments='{"title": "Ana"}'),)}
    return SampleResult(
        run=run,
        sample=f"s-{number}",
        release=release,
        answers=(Answer(**said),),
        scores={"exact": right if number % 2 else 1.0},
    )
