"""What a run's numbers depend on, taken down before the first question is asked."""

import platform
from importlib.metadata import version

from aftertune.values.evaluation import Signature
from aftertune.values.release import EngineStatus, Release
from evals.judge_model import SCORER, Judge, prompt_digest
from evals.suite import Suite


def signature(
    suite: Suite,
    release: Release,
    engine: EngineStatus,
    base: tuple[Release, EngineStatus] | None,
    judge: Judge,
) -> Signature:
    """The engine's answers depend on its weights and its template; ours on suite, scorers, decoding and judge."""
    card = suite.card
    decoding: dict[str, str | int | float] = {
        "endpoint": "/v1/chat/completions",
        "engine": engine.kind,
        "temperature": 0,
        "max_tokens": card.max_tokens,
    }
    if release.passport is not None:
        decoding["template"] = release.passport.template_digest
    scorers = {suite.scorer.name: suite.scorer.version}
    if card.judged is not None and judge.model:
        scorers[SCORER] = judge.version
        decoding |= {"judge": judge.model, "judge_prompt": prompt_digest(card.judged)}
    return Signature(
        suite=card.name,
        suite_version=card.version,
        dataset=suite.dataset,
        scorers=scorers,
        release=release.id,
        weights=engine.weights_digest,
        baseline=base[0].id if base else "",
        baseline_weights=base[1].weights_digest if base else "",
        seed=card.seed,
        decoding=decoding,
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in ("aftertune", "openai")},
        },
    )
