"""Where a rollback goes."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from aftertune.store.deployments import Promotion
from aftertune.values.deployment import Deployment
from aftertune.values.release import EngineKind, EngineState, EngineStatus, Release, ReleaseState


class Known(NamedTuple):
    """What the store says about releases. `quarantined` maps a release to its reason."""

    promotions: Sequence[Promotion]
    releases: Mapping[str, Release]
    engines: Mapping[str, EngineStatus]
    quarantined: Mapping[str, str]


class PassedOver(NamedTuple):
    release: str
    reason: str


class Choice(NamedTuple):
    """`target` is None when no release is eligible; every one that was looked at and refused has its reason."""

    target: str | None
    passed_over: tuple[PassedOver, ...] = ()


HealthCheck = Callable[[Release, EngineStatus], str]
"""Why the engine does not answer right now; empty when it does."""


def leaving(deployment: Deployment, asked: str, to: str) -> str:
    """The release that a rollback takes out; empty when the one that was asked for has left already.

    When none was asked for it is the candidate, or stable if there is none or `to` is neither empty nor stable.
    """
    if asked:
        return asked if asked in (deployment.candidate, deployment.stable) else ""
    if deployment.candidate is not None and to in ("", deployment.stable):
        return deployment.candidate
    return deployment.stable


def choose(
    deployment: Deployment, known: Known, unhealthy: HealthCheck, leaving: str, to: str = ""
) -> Choice:
    """Users leave the candidate for stable, and stable for `to` or the newest eligible release stable before.

    Eligible: was stable here, is not quarantined, its weights are those of its passport, its engine is up and
    answers now. Stable needs no check: users are on it already.
    """
    if leaving == deployment.candidate:
        if to in ("", deployment.stable):
            return Choice(deployment.stable)
        return Choice(None, (PassedOver(to, f"users leave the candidate for {deployment.stable} only"),))
    passed_over: list[PassedOver] = []
    for release in [to] if to else _before(deployment, known.promotions):
        reason = _ineligible(release, deployment, known, unhealthy)
        if not reason:
            return Choice(release, tuple(passed_over))
        passed_over.append(PassedOver(release, reason))
    return Choice(None, tuple(passed_over))


def _before(deployment: Deployment, promotions: Sequence[Promotion]) -> list[str]:
    """Previous good first, then newest first; each once, without the release that users get now."""
    first = [deployment.previous_good] if deployment.previous_good else []
    stack = dict.fromkeys([*first, *(promotion.release for promotion in promotions)])
    return [release for release in stack if release != deployment.stable]


def _ineligible(release: str, deployment: Deployment, known: Known, unhealthy: HealthCheck) -> str:
    if release == deployment.stable:
        return "it is what users get now"
    if release == deployment.candidate:
        return "it is the candidate: that would be a promotion"
    if release not in {promotion.release for promotion in known.promotions}:
        return f"it was never stable in {deployment.name}"
    if release in known.quarantined:
        return f"it is in quarantine: {known.quarantined[release]}"
    return _not_serving(known.releases.get(release), known.engines.get(release), unhealthy)


def _not_serving(release: Release | None, engine: EngineStatus | None, unhealthy: HealthCheck) -> str:
    if release is None or release.state is not ReleaseState.READY:
        return "the release is not ready"
    if engine is None or engine.state is not EngineState.READY:
        return f"its engine is {engine.state if engine else 'not running'}"
    return _wrong_weights(release, engine) or unhealthy(release, engine)


def _wrong_weights(release: Release, engine: EngineStatus) -> str:
    if release.engine is EngineKind.EXTERNAL:
        return ""
    if release.passport is None:
        return "it has no passport"
    if engine.weights_digest != release.passport.merged_digest:
        return "its engine runs on other weights than its passport names"
    return ""
