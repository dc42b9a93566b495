"""Answers that an earlier run already has: the stored runs are the cache.

They may stand for new ones only where nothing they depend on differs, and only in a run that somebody ordered by hand
and did not ask to be fresh: what is scheduled, or decides about users, is measured anew.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import rfc8785

from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun, SampleResult
from aftertune.values.release import EngineKind, EngineStatus, Release
from evals.harness.answering import Answered, Unit
from evals.suite.card import Ask

LOOKED_AT = 20
"""Earlier runs of the suite whose answers are looked through, the newest first."""

TIMED = frozenset({"cost"})
"""Ways of asking whose answers are timings: those of yesterday say nothing about today."""


def answering_digest(dataset: str, ask: Ask, seed: int, release: Release, engine: EngineStatus) -> str:
    """SHA-256 over everything that a release's answers to a suite depend on, as far as it is known.

    `engine.fingerprint` stands for the engine's program: its version is not told, its answers are.
    """
    known: dict[str, Any] = {
        "dataset": dataset,
        "ask": ask.model_dump(mode="json"),
        "seed": seed,
        "weights": engine.weights_digest,
        "template": release.passport.template_digest if release.passport else "",
        "engine": engine.kind,
        "fingerprint": list(engine.fingerprint),
        "external": [release.id, engine.url] if engine.kind is EngineKind.EXTERNAL else [],
    }
    return hashlib.sha256(rfc8785.dumps(known)).hexdigest()


def may_be_cached(ask: Ask, engine: EngineStatus) -> bool:
    """An external engine's weights are not known: only the card can say that its answers keep."""
    if ask.how in TIMED:
        return False
    return bool(engine.weights_digest) or (engine.kind is EngineKind.EXTERNAL and ask.cache_external)


def earlier_answers(
    tx: Transaction, run: EvaluationRun, wanted: Mapping[str, str]
) -> dict[tuple[str, str], SampleResult]:
    """(Answering digest, sample) → a result with answers. `wanted`: release → answering digest, where it may be cached."""
    digests = set(wanted.values())
    found: dict[tuple[str, str], SampleResult] = {}
    for earlier in tx.evaluations.latest(suite=run.suite, limit=LOOKED_AT):
        signature = earlier.signature
        if earlier.id == run.id or signature is None:
            continue
        of = {release: digest for release, digest in signature.answering.items() if digest in digests}
        for result in tx.evaluations.results(earlier.id) if of else ():
            if result.release in of and result.answers:
                found.setdefault((of[result.release], result.sample), result)
    return found


def from_cache(
    units: Iterable[Unit],
    wanted: Mapping[str, str],
    earlier: Mapping[tuple[str, str], SampleResult],
) -> tuple[list[Answered], Sequence[Unit]]:
    """What need not be asked, and what is left to ask."""
    cached, left = [], []
    for unit in units:
        known = earlier.get((wanted.get(unit.release, ""), unit.sample))
        if known is None or len(known.answers) != len(unit.questions):
            left.append(unit)
        else:
            cached.append(
                Answered(unit.sample, unit.release, known.answers, latency_s=known.latency_s, cached=True)
            )
    return cached, left
