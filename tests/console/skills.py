"""A suite with everything: tasks, two baselines, a budget, judges, metrics of which less is better, hostile answers."""

import hashlib
from datetime import datetime, timedelta
from itertools import cycle

from aftertune.store import Store
from aftertune.values.evaluation import (
    Answer,
    Better,
    Bound,
    Budget,
    Difference,
    EvaluationRun,
    Forecast,
    Forgotten,
    Gate,
    Judgement,
    Progress,
    RunState,
    SampleResult,
    Score,
    Signature,
    SuiteCard,
    Trigger,
    Unmeasured,
)
from tests.console.seed import HOSTILE

SUITE = "skills"
RUN, EARLIER, OTHER = "ev-skills", "ev-skills-v1", "ev-skills-changed"
DATASET = hashlib.sha256(b"skills").hexdigest()
LOST = tuple(f"reason-{number:02d}" for number in range(14))
WON = ("fact-03",)
ADDRESS = "http://10.0.0.7:8001/v1/chat/completions"
QUESTIONS = {sample: f"Which number follows? {sample} {HOSTILE}" for sample in (*LOST[:-1], *WON)}


def seed_skills(store: Store, at: datetime) -> None:
    with store.write() as tx:
        tx.evaluations.save_suites([*tx.evaluations.suites(), _card()])
        tx.questions.save(DATASET, QUESTIONS)
        tx.evaluations.add(skills_run(at - timedelta(hours=1)))
        tx.evaluations.add(_earlier(at - timedelta(days=1)))
        tx.evaluations.add(_changed(at - timedelta(days=2)))
        tx.evaluations.add_results(
            [
                *_answers(RUN, "v0", right=1.0),
                *_answers(RUN, "v1", right=1.0),
                *_answers(RUN, "v3", right=0.0),
            ]
        )
        tx.evaluations.add_results(_answers(EARLIER, "v1", right=1.0))


def score(metric: str, estimate: float | None, half: float = 0.04, **changes: object) -> Score:
    known = {
        "metric": metric,
        "scorer": "stated_answer 1",
        "n": 0 if estimate is None else 120,
        "unmeasured": 120 if estimate is None else 3,
        "estimate": estimate,
        "low": None if estimate is None else estimate - half,
        "high": None if estimate is None else estimate + half,
        "smallest_detectable": None if estimate is None else half * 2,
        "method": "Wilson score interval",
        "detail": "Of all samples: the stated answer is the right one.",
    }
    return Score.model_validate(known | changes)


def difference(
    metric: str, baseline: str, estimate: float, half: float = 0.04, **changes: object
) -> Difference:
    known = {
        "metric": metric,
        "baseline": baseline,
        "n": 118,
        "unmeasured": 2,
        "estimate": estimate,
        "low": estimate - half,
        "high": estimate + half,
        "smallest_detectable": half * 1.4,
        "p": 0.0004 if abs(estimate) > half else 0.4,
        "method": "Tango score interval for paired proportions",
    }
    return Difference.model_validate(known | changes)


def skills_run(at: datetime) -> EvaluationRun:
    """On v3: reasoning is lost against the base, perplexity rose over its gate, what users have is hardly beaten."""
    return EvaluationRun(
        id=RUN,
        suite=SUITE,
        release="v3",
        trigger=Trigger.REGISTRATION,
        state=RunState.FAILED,
        reason="right: the lower end of its difference from the base does not hold.",
        requested_by="evals",
        requested_at=at,
        started_at=at,
        ended_at=at + timedelta(minutes=3),
        samples=120,
        done=120,
        attempts=2,
        forecast=Forecast(requests=360, prompt_tokens=41_000, answer_tokens=92_160, judge_questions=2_160),
        progress=Progress(asked=360, total=360, from_cache=120, truncated=4, retries=7),
        signature=_signature("v3", {"base": "v0", "last_good": "v1"}),
        scores=_scores(),
        differences=_differences(),
        gates=_gates(),
        budgets=tuple(_budgets()),
        unmeasured=(
            Unmeasured(release="v3", reason=f"No answer from {ADDRESS} in 3 tries.", samples=2),
            Unmeasured(release="v1", reason=f"No number is stated: {HOSTILE}", samples=1),
        ),
    )


def _card() -> SuiteCard:
    return SuiteCard(
        name=SUITE,
        version="1",
        description="What a general model can do, skill by skill.",
        samples=120,
        dataset=DATASET,
        licence="Apache-2.0",
        gates=("right: the lower end of its difference from the base is at least -0.05",),
        baselines=("base", "last_good"),
    )


def _scores() -> tuple[Score, ...]:
    return (
        score("right", 0.78),
        *(
            score(f"right/{task}", level, 0.07, n=40)
            for task, level in (("facts", 0.9), ("language", 0.85), ("reasoning", 0.6))
        ),
        score(
            "courtesy",
            0.91,
            method="Student's t on clusters",
            clusters=30,
            scorer="judged.questions 1",
            detail=(
                "Yes of a judge. judge-a: 12 of 720 judgements failed, same verdict in both orders 94% of 360, variance "
                "of repeats 0.021, 1 of 24 canaries wrong. judge-a: uncalibrated, no human labels of what it was asked."
            ),
        ),
        score("bleu", 34.2, 3.1, method="bootstrap of samples", signature="nrefs:1|case:mixed|tok:13a|2.6.0"),
        score("perplexity", 12.4, 1.5, better=Better.LOWER, method="bootstrap of samples"),
        score(
            "faithfulness",
            None,
            detail=f"Claims that the contexts bear out. Unmeasured: no judge at {ADDRESS}",
        ),
    )


def _differences() -> tuple[Difference, ...]:
    base = (
        difference("right", "v0", -0.11, flipped_down=LOST, flipped_up=WON),
        difference("right/reasoning", "v0", -0.35, 0.12, n=40, flipped_down=LOST),
        difference("courtesy", "v0", 0.09),
        difference("perplexity", "v0", 2.2, 0.8, better=Better.LOWER),
    )
    good = (
        difference("right", "v1", -0.02, flipped_down=LOST[:2], flipped_up=WON),
        difference("courtesy", "v1", 0.0, 0.02, p=1.0),
        difference("perplexity", "v1", 0.0, better=Better.LOWER).model_copy(
            update={"n": 0, "estimate": None, "low": None, "high": None, "p": None}
        ),
    )
    return (*base, *good)


def _gates() -> tuple[Gate, ...]:
    def gate(
        metric: str, bound: Bound, limit: float, value: float, baseline: str, *, passed: bool | None
    ) -> Gate:
        reason = f"{metric}: {value:.3f} against {limit:g}."
        return Gate(
            metric=metric,
            bound=bound,
            limit=limit,
            value=value,
            baseline=baseline,
            passed=passed,
            reason=reason,
        )

    return (
        gate("right", Bound.DIFFERENCE_LOW, -0.05, -0.15, "v0", passed=False),
        gate("right", Bound.DIFFERENCE_LOW, -0.08, -0.06, "v1", passed=True),
        gate("perplexity", Bound.DIFFERENCE_HIGH, 1.0, 3.0, "v0", passed=False),
        gate("perplexity", Bound.SCORE_HIGH, 15.0, 13.9, "", passed=True),
        gate("courtesy", Bound.SCORE_LOW, 0.9, 0.87, "", passed=None),
    )


def _budgets() -> list[Budget]:
    kept = (
        (0.01, 0.04, Forgotten.WITHIN),
        (0.35, 0.47, Forgotten.OVERSPENT),
        (0.03, 0.09, Forgotten.UNKNOWN),
    )
    return [
        Budget(
            skill=skill,
            metric=f"right/{skill}",
            baseline=baseline,
            margin=0.05,
            spent=spent,
            spent_at_most=most,
            left=0.05 - spent,
            n=40,
            smallest_detectable=0.08,
            unmeasured=2 if state is Forgotten.UNKNOWN else 0,
            possible=(-0.02, 0.14) if state is Forgotten.UNKNOWN else None,
            state=state,
        )
        for baseline in ("v0", "v1")
        for skill, (spent, most, state) in zip(("facts", "reasoning", "language"), kept, strict=True)
    ]


def _earlier(at: datetime) -> EvaluationRun:
    """On v1, before: it asked the same samples, with another library."""
    signature = _signature("v1", {}).model_copy(
        update={"versions": {"aftertune": "0.3.0", "openai": "1.9.0"}}
    )
    return skills_run(at).model_copy(
        update={
            "id": EARLIER,
            "release": "v1",
            "state": RunState.SUCCESSFUL,
            "reason": "",
            "signature": signature,
            "scores": tuple(
                each.model_copy(update={"estimate": each.estimate and each.estimate * 1.1})
                for each in _scores()
            ),
            "differences": (),
            "budgets": (),
            "gates": (),
        }
    )


def _changed(at: datetime) -> EvaluationRun:
    """Of another version of the suite."""
    return _earlier(at).model_copy(
        update={"id": OTHER, "signature": _signature("v1", {}).model_copy(update={"suite_version": "0"})}
    )


def _signature(release: str, roles: dict[str, str]) -> Signature:
    return Signature(
        suite=SUITE,
        suite_version="1",
        dataset=DATASET,
        scorers={"stated_answer": "1", "judged.questions": "1"},
        release=release,
        weights=hashlib.sha256(release.encode()).hexdigest(),
        baselines={name: hashlib.sha256(name.encode()).hexdigest() for name in roles.values()},
        roles=roles,
        seed=7,
        endpoint="chat, /v1/chat/completions",
        decoding={"temperature": 0, "max_tokens": 256},
        templates={release: "ab" * 32},
        judging={"judge-a": "0f" * 32},
        versions={"aftertune": "0.3.0", "openai": "2.0.0"},
    )


def _answers(run: str, release: str, *, right: float) -> list[SampleResult]:
    said = cycle((f"It is 41. {HOSTILE}", "42", "", "The next number is forty-two.\n" * 12))
    found = [
        SampleResult(
            run=run,
            sample=sample,
            release=release,
            answers=(Answer(text=text, finish="length" if len(text) > 300 else "stop"), Answer(text="again")),
            judgements=(
                Judgement(
                    question="courtesy",
                    judge="judge-a",
                    prompt="aa" * 32,
                    swapped=True,
                    reply=f'{{"verdict": "yes"}} {HOSTILE}',
                    value=1.0,
                ),
                Judgement(question="courtesy", judge="judge-a", prompt="aa" * 32, value=None, reason="prose"),
            ),
            scores={"right": 1.0 - right if sample in WON else right, "courtesy": 1.0, "faithfulness": None},
            latency_s=0.31,
        )
        for sample, text in zip((*LOST, *WON), said, strict=False)
    ]
    talked = (
        found[0]
        .answers[0]
        .model_copy(
            update={
                "transcript": ({"role": "tool", "content": HOSTILE}, {"role": "assistant", "content": None})
            }
        )
    )
    found[0] = found[0].model_copy(update={"answers": (talked,)})
    found[1] = found[1].model_copy(update={"answers": (), "error": f"No answer from {ADDRESS} in 3 tries."})
    return found
