"""What a run's numbers depend on, taken down before the first question is asked."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

from aftertune.values.evaluation import Signature
from evals.harness.cache import answering_digest
from evals.harness.subject import Subject


def signature(subject: Subject, judging: Mapping[str, str]) -> Signature:
    """Answers depend on weights, template, engine and how they are asked for; ours on suite, scorers and judges."""
    suite, tested = subject.suite, subject.tested
    card, ask = suite.card, suite.card.ask
    decoding: dict[str, str | int | float] = {
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "repeats": ask.repeats,
        "truncated": ask.truncated,
    }
    if ask.top_p is not None:
        decoding["top_p"] = ask.top_p
    return Signature(
        suite=card.name,
        suite_version=card.version,
        dataset=suite.dataset,
        scorers={scorer.name: scorer.version for scorer in suite.scorers},
        release=tested.release.id,
        weights=tested.engine.weights_digest,
        baselines={each.release.id: each.engine.weights_digest for each in subject.served[1:]},
        roles={str(role): release for role, release in subject.roles.items()},
        seed=card.seed,
        endpoint=f"{ask.how} on {', '.join(sorted({each.engine.kind for each in subject.served}))}",
        decoding=decoding,
        templates={
            each.release.id: each.release.passport.template_digest
            for each in subject.served
            if each.release.passport is not None
        },
        answering={
            each.release.id: answering_digest(suite.dataset, ask, card.seed, each.release, each.engine)
            for each in subject.served
        },
        judging=dict(judging),
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in ("aftertune", "aiohttp", "numpy")},
        },
    )
